/*
 * Everything of a kind from the engine. `each` sees one object at a time, valid during the call,
 * and returns false to stop.
 */
#ifndef OPENWFP_WFP_LIST_H
#define OPENWFP_WFP_LIST_H

#include <stdbool.h>

#include <fwpmu.h>

#define LIST_PAGE 1024u

DWORD list_providers(HANDLE engine, bool (*each)(void *ctx, const FWPM_PROVIDER0 *), void *ctx);
DWORD list_sublayers(HANDLE engine, bool (*each)(void *ctx, const FWPM_SUBLAYER0 *), void *ctx);
DWORD list_callouts(HANDLE engine, bool (*each)(void *ctx, const FWPM_CALLOUT0 *), void *ctx);
DWORD list_layers(HANDLE engine, bool (*each)(void *ctx, const FWPM_LAYER0 *), void *ctx);
DWORD list_sessions(HANDLE engine, bool (*each)(void *ctx, const FWPM_SESSION0 *), void *ctx);

/* Boot-time and disabled filters too; of one provider when the key is not NULL. */
DWORD list_filters(HANDLE engine, const GUID *provider,
                   bool (*each)(void *ctx, const FWPM_FILTER0 *), void *ctx);

#endif
