/* Starting the host of a driver. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver.h"
#include "log.h"
#include "service.h"

enum host_fd { HOST_DOOR = 3, HOST_CHANNEL, HOST_OBJECT, HOST_FDS };

static int refuse(struct driver *driver, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(struct driver *driver, int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(driver->reason, sizeof(driver->reason), format, arguments);
    va_end(arguments);
    return code;
}

/* ---- the object ---- */

/* Nobody but root may decide what runs with a driver's rights. What is checked here is loaded: the
 * host gets this descriptor. */
static int check_object(struct driver *driver, int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return refuse(driver, -errno, "%s: %s", driver->path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return refuse(driver, -EINVAL, "%s is not a shared object", driver->path);
    if (status.st_uid != 0)
        return refuse(driver, -EPERM, "%s does not belong to root (chown root it)", driver->path);
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return refuse(driver, -EPERM, "%s can be written by others than root (chmod go-w it)",
                      driver->path);
    return 0;
}

/* First as a mere place in the file system: opening a device or a fifo may do things. */
static int open_object(struct driver *driver)
{
    int place = open(driver->path, O_PATH | O_CLOEXEC), fd, code;
    char name[32];

    if (place < 0)
        return refuse(driver, -errno, "%s: %s", driver->path, strerror(errno));
    snprintf(name, sizeof(name), "/proc/self/fd/%d", place);
    code = check_object(driver, place);
    fd = code < 0 ? code : open(name, O_RDONLY | O_CLOEXEC);
    if (!code && fd < 0)
        fd = refuse(driver, -errno, "%s: %s", driver->path, strerror(errno));
    close(place);
    return fd;
}

/* ---- the process ---- */

/* Both ends of each way: ours, and the host's. */
struct ways {
    int door[2], channel[2], output[2], object;
};

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_ways(struct ways *ways, bool ours)
{
    close_end(&ways->door[1]);
    close_end(&ways->channel[1]);
    close_end(&ways->output[1]);
    close_end(&ways->object);
    if (!ours)
        return;
    close_end(&ways->door[0]);
    close_end(&ways->channel[0]);
    close_end(&ways->output[0]);
}

/* A driver that talks faster than we log must not wait for us: its end of the pipe blocks no one.
 */
static int open_ways(struct driver *driver, struct ways *ways)
{
    *ways = (struct ways){{-1, -1}, {-1, -1}, {-1, -1}, -1};
    ways->object = open_object(driver);
    if (ways->object < 0)
        return ways->object;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ways->door) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ways->channel) < 0 ||
        pipe2(ways->output, O_CLOEXEC | O_NONBLOCK) < 0)
        return refuse(driver, -errno, "no sockets for the driver's host: %s", strerror(errno));
    return 0;
}

/* After fork in a process with threads: system calls only. */
static bool move_descriptors(const struct ways *ways)
{
    const int wanted[] = {
        -1, ways->output[1], ways->output[1], ways->door[1], ways->channel[1], ways->object};
    int safe[HOST_FDS];

    for (int i = 1; i < HOST_FDS; i++) {
        safe[i] = fcntl(wanted[i], F_DUPFD_CLOEXEC, HOST_FDS);
        if (safe[i] < 0)
            return false;
    }
    safe[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < HOST_FDS; i++)
        if (dup2(safe[i], i) < 0)
            return false;
    return close_range(HOST_FDS, ~0u, 0) == 0;
}

/* No capability comes back with the exec: privileges only ever go (no_new_privs). */
static bool lay_down_rights(const struct bfe_options *options)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};

    if (options->driver_uid != (uid_t)-1 &&
        (setgroups(0, NULL) < 0 ||
         setresgid(options->driver_gid, options->driver_gid, options->driver_gid) < 0 ||
         setresuid(options->driver_uid, options->driver_uid, options->driver_uid) < 0))
        return false;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_capset, &header, none) == 0;
}

static _Noreturn void give_up(const char *text)
{
    _exit(write(STDERR_FILENO, text, strlen(text)) < 0 ? 126 : 127);
}

static _Noreturn void become_host(const struct driver *driver, const struct bfe_options *options,
                                  const struct ways *ways, pid_t parent)
{
    char object[] = "/proc/self/fd/5", early[] = "--early";
    char *all[] = {(char *)options->driver_host, early, driver->name, object, NULL};
    char **arguments = all;
    sigset_t none;

    _Static_assert(HOST_OBJECT == 5, "the name of its descriptor");
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    if (!move_descriptors(ways))
        _exit(127);
    if (!lay_down_rights(options))
        give_up("can't become the drivers' user\n");
    /* It never outlives us; after the change of user, which would undo this. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(127);
    if (driver->drivers->running) {
        arguments[1] = arguments[0];
        arguments = all + 1;
    }
    execv(options->driver_host, arguments);
    give_up("the driver host can't be executed\n");
}

static int launch(struct driver *driver, const struct ways *ways)
{
    const struct bfe_options *options = driver->drivers->service->options;
    pid_t self = getpid(), child;

    if (access(options->driver_host, X_OK) < 0)
        return refuse(driver, -errno, "the driver host %s: %s (see bfe --driver-host)",
                      options->driver_host, strerror(errno));
    child = fork();
    if (child == 0)
        become_host(driver, options, ways, self);
    if (child < 0)
        return refuse(driver, -errno, "no process for the driver: %s", strerror(errno));
    driver->pid = child;
    return 0;
}

int driver_spawn(struct driver *driver)
{
    struct ways ways;
    int code = open_ways(driver, &ways);

    if (!code)
        code = launch(driver, &ways);
    close_ways(&ways, code < 0);
    if (code < 0)
        return code;
    driver->door = ways.door[0];
    driver->output = ways.output[0];
    engine_host_open(&driver->drivers->service->engine, &driver->host, ways.channel[0]);
    return 0;
}
