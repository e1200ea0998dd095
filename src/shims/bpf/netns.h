/* Network namespaces: finding them and doing something there. 0, a descriptor or a negative errno.
 */
#ifndef OPENWFP_NETNS_H
#define OPENWFP_NETNS_H

#include <stdint.h>

/* A descriptor of the namespace with this inode number, by way of the process or any other in it.
 */
int netns_open(uint32_t pid, uint64_t inum);
int netns_find(uint64_t inum);

int netns_cookie_of(int netns_fd, uint64_t *cookie);

/* Runs fn in the namespace, on a thread of its own: the caller's never changes. Its result, or why
 * it could not be run. */
int netns_run(int netns_fd, int (*fn)(void *ctx), void *ctx);

#endif
