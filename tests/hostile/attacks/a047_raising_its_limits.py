# 047 raising its limits
# expect: ok
# unshown: no privilege is left in any mode: the kernel refuses before a layer is asked

import resource
for limit in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU):
    try:
        resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print("ESCAPED: raised", limit)
    except (OSError, ValueError) as error:
        print("stopped by", error)
