/* A service made for tests of the library: answers what it is told to, rightly or wrongly. */
#ifndef OPENWFP_TESTS_FAKE_H
#define OPENWFP_TESTS_FAKE_H

#include <pthread.h>
#include <stdbool.h>

#include <openwfp.h>

#include "rpc/convert.h"
#include "rpc/frame.h"

#define FAKE_CONNECTIONS 16

struct fake;

struct fake_connection {
    struct fake *fake;
    pthread_t thread;
    int fd;
};

struct fake {
    char directory[64], path[96];
    int listener;
    pthread_t thread;
    struct fake_connection connections[FAKE_CONNECTIONS];
    int count;
    int attached;  /* the connection for deliveries, -1 */
    UINT64 cookie; /* of the last subscription */
    enum model_kind subscribed;
    /* Fills in the reply to what the fake does not answer itself; false: hang up instead. */
    bool (*answer)(struct fake *fake, const Rpc__Request *request, Rpc__Reply *reply);
};

/* Sets $OPENWFP_SOCKET. */
void fake_start(struct fake *fake);
void fake_stop(struct fake *fake);

/* Serves a connection that came in another way; closed by fake_stop. */
void fake_adopt(struct fake *fake, int fd);

void fake_deliver(struct fake *fake, const Rpc__Delivery *delivery);
/* Raw bytes on the connection for deliveries. */
void fake_deliver_bytes(struct fake *fake, const void *bytes, size_t size);
void fake_hang_up(struct fake *fake);

/* A handle opened to the fake. */
HANDLE fake_engine(void);

#endif
