# 122 a timer that never lets go
# expect: timeout
# succeeds without: fork
# timeout: 2

import signal, time
def ring(*_):
    while True:
        time.sleep(1)
signal.signal(signal.SIGUSR1, ring)
signal.signal(signal.SIGUSR2, ring)
signal.signal(signal.SIGALRM, ring)
signal.alarm(1)
time.sleep(100)
