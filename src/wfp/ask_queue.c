#include "src/wfp/ask_queue.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ask_queue {
    int wake;
    pthread_mutex_t lock;
    struct ask_notice *first, **tail;
};

struct ask_queue *ask_queue_new(int wake)
{
    struct ask_queue *queue = calloc(1, sizeof(*queue));
    if (queue == NULL)
        return NULL;
    queue->wake = wake;
    queue->tail = &queue->first;
    pthread_mutex_init(&queue->lock, NULL);
    return queue;
}

void CALLBACK ask_queue_put(void *context, const OPENWFP_HELD_NOTICE *notice)
{
    struct ask_queue *queue = context;
    struct ask_notice *copy = calloc(1, sizeof(*copy));
    if (copy == NULL)
        return;
    copy->end = notice == NULL;
    if (notice != NULL) {
        FWP_BYTE_BLOB *app = &copy->notice.held.appId;
        copy->notice = *notice;
        app->data = malloc(app->size + 1);
        if (app->data == NULL)
            app->size = 0;
        else if (app->size > 0)
            memcpy(app->data, notice->held.appId.data, app->size);
    }
    pthread_mutex_lock(&queue->lock);
    *queue->tail = copy;
    queue->tail = &copy->next;
    pthread_mutex_unlock(&queue->lock);
    uint64_t one = 1;
    if (write(queue->wake, &one, sizeof(one)) < 0)
        return; /* it is full: then somebody will look */
}

struct ask_notice *ask_queue_take(struct ask_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    struct ask_notice *first = queue->first;
    queue->first = NULL;
    queue->tail = &queue->first;
    pthread_mutex_unlock(&queue->lock);
    return first;
}

struct ask_notice *ask_notice_free(struct ask_notice *notice)
{
    struct ask_notice *next = notice->next;
    free(notice->notice.held.appId.data);
    free(notice);
    return next;
}

void ask_queue_free(struct ask_queue *queue)
{
    struct ask_notice *notice = ask_queue_take(queue);
    while (notice != NULL)
        notice = ask_notice_free(notice);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}
