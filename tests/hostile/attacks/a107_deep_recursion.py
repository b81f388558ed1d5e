# 107 deep recursion
# expect: raised
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

def again():
    again()
again()
