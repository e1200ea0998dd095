#include "apps.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct app {
    uint32_t number;
    const char *path; /* in the same allocation, or the path looked for */
    char text[];
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct app *)a)->path, ((const struct app *)b)->path);
}

uint32_t apps_find(const struct apps *apps, const char *path)
{
    const struct app probe = {.path = path};
    struct app *const *found = tfind(&probe, &apps->tree, compare);

    return found ? (*found)->number : APP_UNNAMED;
}

static struct app *new_app(const char *path, uint32_t number)
{
    size_t size = strlen(path) + 1;
    struct app *app = malloc(sizeof(*app) + size);

    if (!app)
        return NULL;
    app->number = number;
    app->path = app->text;
    memcpy(app->text, path, size);
    return app;
}

uint32_t apps_number(struct apps *apps, const char *path)
{
    uint32_t number = apps_find(apps, path);
    struct app *app;

    if (number != APP_UNNAMED)
        return number;
    number = apps->shim ? shim_app_number(apps->shim, path) : apps->count + 1;
    if (!number)
        return 0;
    app = new_app(path, number);
    if (!app || !tsearch(app, &apps->tree, compare)) {
        free(app);
        return 0;
    }
    apps->count++;
    return number;
}

void apps_free(struct apps *apps)
{
    tdestroy(apps->tree, free);
    apps->tree = NULL;
    apps->count = 0;
}
