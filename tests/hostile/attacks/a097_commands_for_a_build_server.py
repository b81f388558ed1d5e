# 097 commands for a build server
# expect: ok
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

print("::set-output name=x::y\n##vso[task.setvariable]\n::error::fake")
print('{"set": {"kind": "raised"}}')
