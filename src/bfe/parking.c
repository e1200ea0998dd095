#include "parking.h"

#include "client.h"
#include "log.h"
#include "service.h"

static void give_up(struct parking *parking, struct client *client)
{
    uint32_t code = model_session_timed_out(client->session, &client->convert.error);

    parking_remove(parking, client);
    client_answer(client, code);
    /* Those behind waited for this one too. */
    parking_wake(parking);
}

static int on_timeout(sd_event_source *source, uint64_t when, void *ctx)
{
    struct client *client = ctx;

    give_up(&client->service->parking, client);
    return 0;
}

static int on_retry(sd_event_source *source, void *ctx)
{
    struct parking *parking = ctx;
    struct client *client = parking->first;

    if (client && client_retry(client)) {
        parking_remove(parking, client);
        parking_wake(parking);
    }
    return 0;
}

int parking_open(struct parking *parking, sd_event *event)
{
    int code;

    *parking = (struct parking){.event = event};
    code = sd_event_add_defer(event, &parking->retry, on_retry, parking);
    return code < 0 ? code : sd_event_source_set_enabled(parking->retry, SD_EVENT_OFF);
}

void parking_close(struct parking *parking)
{
    parking->retry = sd_event_source_disable_unref(parking->retry);
}

void parking_wake(struct parking *parking)
{
    if (parking->first && parking->retry)
        sd_event_source_set_enabled(parking->retry, SD_EVENT_ONESHOT);
}

static void start_timer(struct parking *parking, struct client *client)
{
    uint32_t wait_ms = model_session_wait_ms(client->session);
    int code;

    if (wait_ms == UINT32_MAX)
        return;
    code = sd_event_add_time_relative(parking->event, &client->parked.timer, CLOCK_MONOTONIC,
                                      (uint64_t)wait_ms * 1000, 1000, on_timeout, client);
    if (code < 0)
        log_line(LOG_ERR, "no timer for a waiting call: it will wait until the lock is free");
}

void parking_add(struct parking *parking, struct client *client)
{
    client->parked = (struct parked){.previous = parking->last, .here = true};
    *(parking->last ? &parking->last->parked.next : &parking->first) = client;
    parking->last = client;
    start_timer(parking, client);
}

void parking_remove(struct parking *parking, struct client *client)
{
    struct parked *place = &client->parked;

    if (!place->here)
        return;
    *(place->previous ? &place->previous->parked.next : &parking->first) = place->next;
    *(place->next ? &place->next->parked.previous : &parking->last) = place->previous;
    sd_event_source_disable_unref(place->timer);
    *place = (struct parked){0};
}
