#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "log.h"

static int make_parent(const char *path)
{
    char *copy = strdup(path);
    int code = 0;

    if (!copy)
        return -ENOMEM;
    if (mkdir(dirname(copy), 0755) < 0 && errno != EEXIST)
        code = -errno;
    free(copy);
    return code;
}

static pid_t read_pid(int fd)
{
    char text[32] = "";

    if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
        return 0;
    return (pid_t)strtol(text, NULL, 10);
}

static int write_pid(int fd)
{
    if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", getpid()) < 0)
        return -errno;
    return 0;
}

static int lock_file(const char *path, pid_t *owner)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && write_pid(fd) == 0)
        return fd;
    int code = errno == EWOULDBLOCK ? -EBUSY : -errno;
    *owner = read_pid(fd);
    close(fd);
    return code;
}

int listener_lock(struct listener *listener, const char *path, pid_t *owner)
{
    char *name = NULL;
    int code;

    *listener = (struct listener){.fd = -1, .lock = -1};
    *owner = 0;
    code = make_parent(path);
    if (code < 0)
        return code;
    if (asprintf(&name, "%s.lock", path) < 0)
        return -ENOMEM;
    listener->lock = lock_file(name, owner);
    free(name);
    return listener->lock < 0 ? listener->lock : 0;
}

static int bind_path(int fd, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    /* The lock is ours, so what lies there was left by a bfe that died. */
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    if (chmod(path, 0666) < 0 || listen(fd, SOMAXCONN) < 0)
        return -errno;
    return 0;
}

static int activated(struct listener *listener)
{
    int count = sd_listen_fds(1);

    if (count <= 0)
        return count;
    if (count > 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0)
        return -EINVAL;
    listener->fd = SD_LISTEN_FDS_START;
    return fcntl(listener->fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 1;
}

int listener_open(struct listener *listener, const char *path)
{
    int code = activated(listener);

    if (code > 0)
        return 0;
    if (code < 0) {
        log_line(LOG_ERR, "socket activation: one listening Unix stream socket is needed: %s",
                 strerror(-code));
        return code;
    }
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    code = listener->fd < 0 ? -errno : bind_path(listener->fd, path);
    if (code < 0)
        log_line(LOG_ERR, "can't listen on %s: %s", path, strerror(-code));
    else
        listener->own = path;
    return code;
}

void listener_close(struct listener *listener)
{
    if (listener->own)
        unlink(listener->own);
    if (listener->fd >= 0)
        close(listener->fd);
    if (listener->lock >= 0)
        close(listener->lock);
    *listener = (struct listener){.fd = -1, .lock = -1};
}
