#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "driver.h"
#include "rpc/frame.h"

static _Atomic int door = -1;

EXPORT void OpenWfpConnectThrough(int through)
{
    door = through;
}

/* Sends one end of a new connection through the door. */
static bool pass_end(int through, int end)
{
    char byte = RPC_DOOR_BYTE, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    ssize_t sent;

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &end, sizeof(int));
    do
        sent = sendmsg(through, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == 1;
}

static DWORD connect_through(int through, int *fd)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return error_set(ERROR_NOT_ENOUGH_MEMORY, "no socket: %s", strerror(errno));
    if (pass_end(through, ends[1])) {
        close(ends[1]);
        *fd = ends[0];
        return ERROR_SUCCESS;
    }
    error_set(RPC_S_SERVER_UNAVAILABLE,
              "the base filtering engine that started this driver is "
              "gone: %s",
              strerror(errno));
    close(ends[0]);
    close(ends[1]);
    return RPC_S_SERVER_UNAVAILABLE;
}

static DWORD connect_failed(const char *path, int error)
{
    switch (error) {
    case ENOENT:
    case ECONNREFUSED:
    case ENOTSOCK:
        return error_set(RPC_S_SERVER_UNAVAILABLE,
                         "the base filtering engine does not run: nobody listens at %s; start bfe "
                         "(systemctl start openwfp)",
                         path);
    case EACCES:
    case EPERM:
        return error_set(ERROR_ACCESS_DENIED, "no permission to connect to %s", path);
    default:
        return error_set(RPC_S_SERVER_UNAVAILABLE, "can't connect to %s: %s", path,
                         strerror(error));
    }
}

DWORD socket_connect(const char *path, int *fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int made, result, through = door;

    if (through >= 0)
        return connect_through(through, fd);
    if (strlen(path) >= sizeof(address.sun_path))
        return error_set(ERROR_INVALID_PARAMETER, "the socket's path is too long: %s", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made < 0)
        return error_set(ERROR_NOT_ENOUGH_MEMORY, "no socket: %s", strerror(errno));
    do
        result = connect(made, (struct sockaddr *)&address, sizeof(address));
    while (result < 0 && errno == EINTR);
    if (result < 0) {
        DWORD code = connect_failed(path, errno);

        close(made);
        return code;
    }
    *fd = made;
    return ERROR_SUCCESS;
}

static bool read_message(int fd, struct frame_reader *reader, const uint8_t **bytes, size_t *size)
{
    int result;

    while ((result = frame_next(reader, bytes, size)) == 0)
        if (frame_read(reader, fd) <= 0)
            return false;
    return result == 1;
}

int socket_send(int fd, struct frame_writer *writer, const Rpc__Request *request)
{
    int code = frame_put(writer, &request->base);

    return code ? code : frame_flush(writer, fd);
}

Rpc__Reply *socket_receive(int fd, struct frame_reader *reader, uint32_t id,
                           struct converter *converter)
{
    const uint8_t *bytes;
    size_t size;
    Rpc__Reply *reply;

    if (!read_message(fd, reader, &bytes, &size))
        return NULL;
    reply = unpack_reply(converter, bytes, size);
    return reply && reply->id == id ? reply : NULL;
}

Rpc__Reply *socket_exchange(int fd, struct frame_writer *writer, struct frame_reader *reader,
                            const Rpc__Request *request, struct converter *converter)
{
    return socket_send(fd, writer, request) ? NULL
                                            : socket_receive(fd, reader, request->id, converter);
}
