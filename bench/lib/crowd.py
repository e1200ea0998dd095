"""Makes so many connects that do not end, says "ready", and keeps them until it is killed."""
import resource
import signal
import socket
import sys

count, address, port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, count + 100))
sockets = []
for _ in range(count):
    sockets.append(socket.socket())
    sockets[-1].setblocking(False)
    sockets[-1].connect_ex((address, port))
print("ready", flush=True)
signal.pause()
