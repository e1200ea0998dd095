/*
 * The policy's image made anew in the background, when changes have made it long: a thread works on
 * it, commits go on meanwhile, and the event loop puts the new image in the old one's place.
 */
#ifndef OPENWFP_BFE_ENGINE_REBUILD_H
#define OPENWFP_BFE_ENGINE_REBUILD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

struct classify_image;
struct classify_rebuild;
struct engine;

struct engine_rebuild {
    struct classify_rebuild *work; /* under way, from the engine's image; NULL: none is */
    struct classify_image *from;   /* the image it began with, when the engine has another by now */
    pthread_t thread;
    uint64_t since;        /* ns: when it began, or should have; 0: there is nothing to do */
    uint64_t took;         /* ns: the last one that ended */
    int done;              /* eventfd: the thread has ended */
    sd_event_source *wake; /* NULL: there is no event loop yet, nothing is made anew */
};

/* 0 or a negative errno. */
int rebuild_open(struct engine *engine, sd_event *event);
/* Waits for the thread. */
void rebuild_close(struct engine *engine);

/* After every change of the image: begins to make it anew if that is worth it. */
void rebuild_consider(struct engine *engine);
/* Waits for the image that is being made and takes it. False: none is, or it can't be taken. */
bool rebuild_await(struct engine *engine);
/* ns of the clock of since. */
uint64_t rebuild_now(void);
/* The engine has another image than this one, which is freed when nobody reads it any more. */
void rebuild_retire(struct engine *engine, struct classify_image *image);

#endif
