# 107 deep recursion
# expect: raised

def again():
    again()
again()
