/* The broker as a host of callouts: those that are always there, OPENWFP_CALLOUT_HOLD_*. */
#include <errno.h>
#include <sys/socket.h>

#include "broker.h"
#include "model/layers.h"
#include "service.h"

static int connect_broker(void *ctx)
{
    struct service *service = ctx;
    int ends[2], code;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        return -errno;
    code = broker_serve(service->broker, ends[1]);
    if (code >= 0)
        return ends[0];
    close(ends[0]);
    return code;
}

void broker_join(struct service *service)
{
    struct engine_host *host = &service->broker_host;
    struct model_stored stored;

    engine_host_open(&service->engine, host, -1);
    host->connect = connect_broker;
    host->ctx = service;
    for (size_t i = 0; i < table_openwfp_callouts_count; i++)
        if (model_stored_get(service->model, MODEL_CALLOUT, &table_openwfp_callouts[i].key, &stored,
                             NULL) == ERROR_SUCCESS)
            host->callouts[host->count++] = (struct engine_host_callout){
                .key = table_openwfp_callouts[i].key, .id = stored.object.callout->calloutId};
}
