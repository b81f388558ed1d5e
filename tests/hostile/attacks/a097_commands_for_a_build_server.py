# 097 commands for a build server
# expect: ok

print("::set-output name=x::y\n##vso[task.setvariable]\n::error::fake")
print('{"set": {"kind": "raised"}}')
