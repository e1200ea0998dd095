/* Steps on the process that holds the socket: who it is, what it runs, where it lives. */
#include "sock.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void wait_and_leave(pid_t child)
{
    int status = 0;

    waitpid(child, &status, 0);
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* The child does the rest. */
static int do_fork(struct run *run, const char *value)
{
    pid_t child = fork();

    if (child > 0)
        wait_and_leave(child);
    return child < 0 ? -1 : 0;
}

/* The arguments of a program that does the remaining steps with the socket FD. */
static char **rest(const struct run *run, int fd)
{
    static char name[] = "sock";
    size_t count = 0;
    char number[16];

    while (run->next[count])
        count++;
    char **arguments = calloc(count + 2, sizeof(*arguments));
    if (!arguments)
        die("out of memory");
    arguments[0] = name;
    memcpy(arguments + 1, run->next, count * sizeof(*arguments));
    if (fd >= 0) {
        snprintf(number, sizeof(number), "%d", fd);
        setenv("SOCK_FD", number, 1);
        fcntl(fd, F_SETFD, 0);
    }
    return arguments;
}

static int do_exec(struct run *run, const char *value)
{
    return execv(value, rest(run, run->fd));
}

static int do_memfd(struct run *run, const char *value)
{
    struct stat st;
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int memory = memfd_create("sock", MFD_CLOEXEC);

    if (file < 0 || memory < 0 || fstat(file, &st) < 0 ||
        sendfile(memory, file, NULL, (size_t)st.st_size) != st.st_size)
        return -1;
    char **arguments = rest(run, run->fd); /* may move environ */
    return fexecve(memory, arguments, environ);
}

static int send_socket(int channel, int fd)
{
    char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    *header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    return sendmsg(channel, &message, 0) < 0 ? -1 : 0;
}

static int receive_socket(int channel)
{
    char control[CMSG_SPACE(sizeof(int))], byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    int fd;

    if (recvmsg(channel, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
        die("no socket came");
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    return fd;
}

/* Hands the socket by SCM_RIGHTS to another process, which runs VALUE and does the rest. */
static int do_pass(struct run *run, const char *value)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return -1;
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child > 0) {
        if (send_socket(pair[0], run->fd) < 0)
            return -1;
        close(run->fd);
        wait_and_leave(child);
    }
    close(run->fd);
    run->fd = receive_socket(pair[1]);
    return do_exec(run, value);
}

/* Where no process has the socket among its files: on the way to nobody. */
static int stowed[2] = {-1, -1};

static int do_stow(struct run *run, const char *value)
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, stowed) < 0 || send_socket(stowed[0], run->fd) < 0)
        return -1;
    return close(run->fd);
}

static int do_fetch(struct run *run, const char *value)
{
    run->fd = receive_socket(stowed[1]);
    return 0;
}

static int do_setuid(struct run *run, const char *value)
{
    uid_t uid = (uid_t)atol(value);

    return setgroups(0, NULL) || setresuid(uid, uid, uid) ? -1 : 0;
}

static int do_setgid(struct run *run, const char *value)
{
    gid_t gid = (gid_t)atol(value);

    return setresgid(gid, gid, gid);
}

static int do_cgroup(struct run *run, const char *value)
{
    char path[4096], pid[16];
    int length = snprintf(pid, sizeof(pid), "%d", getpid());

    snprintf(path, sizeof(path), "%s/cgroup.procs", value);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int result = (int)write(fd, pid, (size_t)length);
    close(fd);
    return result;
}

static int do_netns(struct run *run, const char *value)
{
    int fd = open(value, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    int result = setns(fd, CLONE_NEWNET);
    close(fd);
    return result;
}

/* Until the test writes a line: it changes the policy meanwhile. */
static int do_wait(struct run *run, const char *value)
{
    puts("waiting");
    fflush(stdout);
    for (;;) {
        char byte;
        if (read(STDIN_FILENO, &byte, 1) <= 0 || byte == '\n')
            return 0;
    }
}

static int do_sleep(struct run *run, const char *value)
{
    return usleep((useconds_t)atol(value) * 1000);
}

const struct step process_steps[] = {
    {"fork", do_fork},     {"exec", do_exec},   {"memfd", do_memfd},   {"pass", do_pass},
    {"stow", do_stow},     {"fetch", do_fetch}, {"setuid", do_setuid}, {"setgid", do_setgid},
    {"cgroup", do_cgroup}, {"netns", do_netns}, {"wait", do_wait},     {"sleep", do_sleep},
    {NULL, NULL},
};
