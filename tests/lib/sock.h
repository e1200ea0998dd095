/*
 * sock: socket operations one by one, as the command line says, each with the errno it ended in.
 *
 *     sock tcp4 connect=127.0.0.1:80       prints    tcp4 ok
 *                                                    connect EACCES
 *
 * Every word is a step on the current socket; steps go on after a failure, so a test sees the
 * answer of each. A step that cannot be meant seriously ends the program with exit code 2.
 */
#ifndef OPENWFP_TEST_SOCK_H
#define OPENWFP_TEST_SOCK_H

#include <netinet/in.h>
#include <sys/socket.h>

union endpoint {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct run {
    int fd;   /* the current socket, -1 = none */
    int type; /* SOCK_* and protocol it was made with */
    int protocol;
    char **next; /* the steps that are left */
};

/* A step returns 0 or more when it went well, -1 with errno otherwise. */
typedef int step_fn(struct run *run, const char *value);
struct step {
    const char *name;
    step_fn *run;
};

extern const struct step socket_steps[], process_steps[], uring_steps[];

/* "127.0.0.1:80", "[::1]:80", "[fe80::1%2]:0"; ends the program when it is neither. */
socklen_t endpoint_parse(const char *text, union endpoint *endpoint);

/* What a test sends: an echo request on ICMP sockets, "hello" elsewhere. Returns the length. */
size_t message_make(const struct run *run, char *buffer, size_t size);

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
