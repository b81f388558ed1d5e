import torch


def accuracy(logits, labels):
    """Share of rows whose highest score is at the right class."""
    return (logits.argmax(dim=1) == labels).float().mean().item()


def confusion_matrix(predicted, labels, num_classes):
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.long)
    for p, t in zip(predicted, labels):
        matrix[t, p] += 1
    return matrix


def f1_score(matrix):
    true_positive = matrix.diag().float()
    precision = true_positive / matrix.sum(dim=0).clamp(min=1)
    recall = true_positive / matrix.sum(dim=1).clamp(min=1)
    return (2 * precision * recall / (precision + recall).clamp(min=1e-8)).mean().item()


logits = torch.randn(30, 3)
labels = torch.randint(0, 3, (30,))
matrix = confusion_matrix(logits.argmax(dim=1), labels, 3)
print(accuracy(logits, labels))
print(matrix)
print(f1_score(matrix))
