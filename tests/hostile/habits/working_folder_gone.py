# expect: ok
import os
import shutil
os.mkdir("work")
os.chdir("work")
shutil.rmtree("../work")
print("nowhere")
# prints: nowhere
