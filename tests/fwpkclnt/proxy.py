"""proxy.py PORT: a proxy at 127.0.0.1 and ::1. Each connection goes on to the peer that the program
asked for, which is printed; one message each way, then both ends are closed."""
import socket
import struct
import sys
import threading

SO_ORIGINAL_DST = 80


def asked_for(connection):
    if connection.family == socket.AF_INET:
        raw = connection.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
        port, address = struct.unpack("!2xH4s8x", raw)
    else:
        raw = connection.getsockopt(socket.IPPROTO_IPV6, SO_ORIGINAL_DST, 28)
        port, address = struct.unpack("!2xH4x16s4x", raw)
    return socket.inet_ntop(connection.family, address), port


def relay(connection):
    with connection:
        peer = asked_for(connection)
        print(*peer, flush=True)
        with socket.create_connection(peer, timeout=10) as onward:
            onward.sendall(connection.recv(4096))
            connection.sendall(onward.recv(4096))


def serve(listener):
    while True:
        threading.Thread(target=relay, args=(listener.accept()[0],), daemon=True).start()


def main():
    port = int(sys.argv[1])
    listeners = [socket.create_server((address, port), family=family)
                 for address, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6))]
    threading.Thread(target=serve, args=(listeners[0],), daemon=True).start()
    print("serving", flush=True)
    serve(listeners[1])


if __name__ == "__main__":
    main()
