/*
 * What each user holds of the service: connections, and bytes waiting in buffers. Root has no
 * limit of its own; nobody else's use can take what others need.
 */
#ifndef OPENWFP_BFE_ACCOUNT_H
#define OPENWFP_BFE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCOUNT_USER_CLIENTS 256u           /* connections of one user */
#define ACCOUNT_USER_BYTES   (64u << 20)    /* buffered for one user */
#define ACCOUNT_ALL_CLIENTS  4096u          /* connections of all users but root */
#define ACCOUNT_ALL_BYTES    (256ull << 20) /* buffered for all users but root */

struct account; /* of one uid, shared by its connections */
struct accounts {
    struct account *first;
    unsigned clients;
    uint64_t bytes;
};

/* NULL: the user, or all of them together, have too many connections, or memory is short. */
struct account *account_join(struct accounts *accounts, uint32_t uid);
void account_leave(struct accounts *accounts, struct account *account);

/* Takes `bytes`; false, with nothing taken, when that is too much. */
bool account_take(struct accounts *accounts, struct account *account, size_t bytes);
void account_give(struct accounts *accounts, struct account *account, size_t bytes);

#endif
