/* Filters' names by id, asked for once each: events come often, filters don't. */
#ifndef OPENWFP_WFP_FILTER_NAMES_H
#define OPENWFP_WFP_FILTER_NAMES_H

#include <fwpmu.h>

#define FILTER_NAMES 1024u

struct filter_names {
    HANDLE engine;
    struct {
        UINT64 id;
        char name[128];
    } slots[FILTER_NAMES];
};

/* Valid until the next call; "" when the filter is gone, NULL for id 0. */
const char *filter_names_get(struct filter_names *names, UINT64 id);

#endif
