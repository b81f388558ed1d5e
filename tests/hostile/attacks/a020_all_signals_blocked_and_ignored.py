# 020 all signals blocked and ignored
# expect: timeout
# succeeds without: fork
# timeout: 1

import signal, time
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
time.sleep(10 ** 6)
