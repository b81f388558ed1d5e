"""What fork servers side by side are forked from: it loads what all of them need, whose memory they then share, and never meets a snippet."""

import json
import os
import signal
import socket

import confine
import job as jobs
import warm


def wait(control, start):
    """Load, then fork a fork server for each message that comes. Returns in the fork servers alone: (own socket, own message)."""
    warm.load(start["preload"])
    settled = False
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        body = jobs.frame(control) if descriptors else None
        if body is None:
            os._exit(0)  # the parent has closed the socket
        message = json.loads(body)
        if message["loaded"] is not None and (warm.load(message["loaded"]) or not settled):
            warm.collapse()  # here, for a fork server that did so itself would make a copy of its own
            settled = True
        if os.fork() == 0:
            control.close()
            return begin(message, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def begin(message, channel, log):
    """Be as one that was started by exec: own session, own log, own folder."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    os.chdir(message["scratch"])
    confine.live_in(message["scratch"])
    own = socket.socket(fileno=channel)
    own.sendall(jobs.framed(json.dumps({"pid": os.getpid()}).encode()))
    return own, message
