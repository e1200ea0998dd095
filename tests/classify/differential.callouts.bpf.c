// SPDX-License-Identifier: GPL-2.0-only
/* Callouts for the differential test: they answer what their filter's context tells them to. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "openwfp_callout.h"
#include "differential.h"

#define SCRIPTED_CALLOUT(n)                                                                        \
    __attribute__((noinline)) int openwfp_callout_##n(struct openwfp_classify *classify)           \
    {                                                                                              \
        if (classify)                                                                              \
            scripted_answer(classify->filter_context, &classify->action, &classify->rights,        \
                            &classify->absorb);                                                    \
        return 0;                                                                                  \
    }

SCRIPTED_CALLOUT(0)
SCRIPTED_CALLOUT(1)

char LICENSE[] SEC("license") = "GPL";
