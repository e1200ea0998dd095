/*
 * Names of addresses from /etc/hosts. DNS is not asked: that would be a connect of our own, which
 * may be held itself, and the answer is what the address's owner says.
 */
#ifndef OPENWFP_WFP_HOSTS_H
#define OPENWFP_WFP_HOSTS_H

struct arena;

#define HOSTS_PATH "/etc/hosts"

/* The first name of the address, as text; NULL: it has none there. */
const char *hosts_name(struct arena *arena, const char *address);

#endif
