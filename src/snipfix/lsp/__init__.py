"""The language server: findings in the editor as one types, those of a run when one saves, mends as code actions."""
