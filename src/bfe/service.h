/*
 * The base filtering engine as a whole: one model, one engine in the kernel, many clients, all on
 * one event loop and one thread.
 */
#ifndef OPENWFP_BFE_SERVICE_H
#define OPENWFP_BFE_SERVICE_H

#include <systemd/sd-event.h>

#include "broker.h"
#include "driver.h"
#include "engine.h"
#include "event_log.h"
#include "model/model.h"
#include "options.h"
#include "parking.h"
#include "server.h"
#include "store.h"

struct service {
    const struct bfe_options *options;
    sd_event *event;
    sd_event_source *tick; /* ends transactions that are held too long */
    struct model *model;
    struct engine engine;
    struct store store;
    struct event_log events;
    uint64_t delivered; /* subscribers were told of all events before this id */
    struct parking parking;
    struct server server;
    struct broker *broker;
    struct engine_host broker_host;
    struct drivers drivers;
    uint64_t started; /* FILETIME */
};

/* Brings up the model and the engine with the policy of the last run. -1 or an enum bfe_exit. */
int service_open(struct service *service, const struct bfe_options *options, sd_event *event);
/* Sessions end, their dynamic objects are removed; what is static stays enforced. */
void service_close(struct service *service);

/* OPENWFP_COLLECT_*: the events that this client's session may see. */
uint32_t service_visible_events(const struct client *client);

/* Closes the session; the fall of its dynamic objects will be enforced even if that fails now. */
void service_end_session(struct service *service, struct model_session *session);

/* To be called after whatever may have changed the model, before anybody is told about it. */
void service_settle(struct service *service);

#endif
