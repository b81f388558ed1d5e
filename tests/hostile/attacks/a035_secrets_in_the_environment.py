# 035 secrets in the environment
# expect: ok
# unshown: the environment is made anew in every mode

import os
if SECRET in str(dict(os.environ)) or [name for name in os.environ if name.endswith("_OF_THE_HOST") or "SSH" in name]:
    print("ESCAPED")
