/*
 * Handles of classifies (handle.c), and what a classify at CONNECT_REDIRECT shows and lets be
 * changed (redirect.c).
 */
#ifndef OPENWFP_DRIVER_HANDLE_H
#define OPENWFP_DRIVER_HANDLE_H

#include "fwpkclnt/runtime.h"

struct redirection {
    FWPS_CONNECT_REQUEST0 asked;     /* by the program */
    FWPS_CONNECT_REQUEST0 shown;     /* as it is now */
    FWPS_CONNECT_REQUEST0 request;   /* the same, the driver's to change */
    struct driver_redirect now;      /* where `shown` goes */
    struct driver_redirect redirect; /* what the driver has applied */
    bool acquired;
    bool refused;  /* what it applied can't be done */
    void *context; /* was taken over from the driver */
};

struct handle {
    struct node node;
    unsigned references; /* the driver's, and a pend's */
    bool running;        /* in its classify */
    uint64_t pend;       /* 0 = none */
    uint64_t filter;
    bool writable;                   /* the callout may decide */
    struct redirection *redirection; /* NULL: there is nothing to change */
};

/* With the lock held. NULL: the driver has none of this number. */
struct handle *handle_find(uint64_t number);
/* While it runs, even if the driver has let go of it. NULL: never acquired. */
struct handle *handle_of(const struct classify *classify);
/* The classify has been answered. */
void handle_done(const struct classify *classify);

void redirection_fill(struct redirection *redirection, const struct driver_classify *message);
void redirection_free(struct redirection *redirection);
/* With the lock held: what was applied goes with this decision, or makes it a block. */
void redirection_decide(const struct handle *handle, uint32_t *action,
                        struct driver_redirect *redirect);
/* address: v6 form; family: 4 or 6. */
void redirection_sockaddr(SOCKADDR_STORAGE *to, uint8_t family, const uint8_t address[16],
                          uint16_t port);

#endif
