/* The socket operations that the load generator measures. */
#ifndef OPENWFP_BENCH_LOAD_H
#define OPENWFP_BENCH_LOAD_H

#include <netinet/in.h>
#include <stdint.h>

/* One place's sockets. */
struct session {
    struct sockaddr_in server;
    int listener; /* TCP; for datagrams the receiver */
    int client, accepted;
};

struct mode {
    const char *name;
    int over_veth;
    int type; /* of the listener: SOCK_STREAM or SOCK_DGRAM */
    void (*open)(struct session *);
    uint64_t (*once)(struct session *); /* returns nanoseconds */
};

const struct mode *mode_find(const char *name);

/* Makes the session's listener in the calling process's namespace and cgroup. */
void session_listen(struct session *, const struct mode *, struct in_addr);

/* Ends the program, with errno's text. */
void die(const char *what, const char *object);

#endif
