/* Putting a boot policy in force, through pins that are new. */
#ifndef OPENWFP_BOOT_ENFORCE_H
#define OPENWFP_BOOT_ENFORCE_H

#include "boot/image.h"
#include "shims/bpf/shim.h"

/* 0 or a negative errno, with the reason in `error`; then no policy is in force. */
int boot_enforce_image(struct shim *shim, const struct boot_image *image, struct shim_error *error);

/*
 * The policy that stands in for one that is damaged: connects, listens, accepts and datagrams are
 * blocked but for loopback, DHCP and IPv6's neighbour discovery.
 */
int boot_enforce_closed(struct shim *shim, struct shim_error *error);

#endif
