#include "base.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bfe/store_keep.h"

char base_directory[64], base_journal[80], base_database[80];

/* ---- the directory ---- */

int base_setup(void **state)
{
    strcpy(base_directory, "/tmp/bfe-store-XXXXXX");
    if (!mkdtemp(base_directory))
        return -1;
    snprintf(base_journal, sizeof(base_journal), "%s/policy", base_directory);
    snprintf(base_database, sizeof(base_database), "%s/policy.db", base_directory);
    return 0;
}

void base_forget(void)
{
    DIR *listing = opendir(base_directory);
    const struct dirent *entry;

    assert_non_null(listing);
    while ((entry = readdir(listing)))
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(listing), entry->d_name, 0);
    closedir(listing);
}

int base_teardown(void **state)
{
    base_forget();
    return rmdir(base_directory);
}

void base_reboot(void)
{
    unlink(base_journal);
}

/* ---- the model's hooks ---- */

static uint32_t on_apply(void *ctx, const struct model_view *after, struct model_error *error)
{
    struct base *base = ctx;
    uint32_t code = model_view_keep(after, error);

    return code == ERROR_SUCCESS ? base->kernel_answers : code;
}

static uint32_t on_keep(void *ctx, const struct model_view *after, struct model_error *error)
{
    struct base *base = ctx;

    return store_keep(&base->store, after, error);
}

static void on_kept(void *ctx, bool in_force)
{
    struct base *base = ctx;

    store_kept(&base->store, in_force);
}

static void on_changed(void *ctx, struct model_session *subscriber, uint64_t subscription,
                       const struct model_change *changes, size_t count)
{
    struct base *base = ctx;

    store_changed(&base->store, changes, count);
}

/* ---- life ---- */

int base_open(struct base *base)
{
    const struct model_caller root = {.privileged = true};
    const struct model_hooks hooks = {
        .ctx = base, .apply = on_apply, .keep = on_keep, .kept = on_kept, .changed = on_changed};
    const struct store_paths paths = {base_journal, base_database};
    int code;

    *base = (struct base){0};
    base->model = model_new(&hooks);
    assert_non_null(base->model);
    base->engine.model = base->model;
    code = store_open(&base->store, base->model, &base->engine, &base->drivers, &paths);
    if (!code)
        assert_int_equal(model_session_open(base->model, NULL, &root, NULL, &base->session, NULL),
                         ERROR_SUCCESS);
    return code;
}

void base_close(struct base *base)
{
    if (base->session)
        model_session_close(base->session);
    store_close(&base->store);
    model_free(base->model);
}

/* ---- filters ---- */

GUID base_key(unsigned number)
{
    return (GUID){0x7e570000u + number, 1, 1, {1}};
}

void base_add(struct base *base, unsigned number, UINT32 flags)
{
    WCHAR name[] = u"filter";
    FWPM_FILTER0 filter = {
        .filterKey = base_key(number),
        .displayData.name = name,
        .flags = flags,
        .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
        .action.type = FWP_ACTION_BLOCK,
    };
    struct model_error error;

    assert_int_equal(model_filter_add(base->session, &filter, NULL, NULL, NULL, &error),
                     ERROR_SUCCESS);
}

void base_delete(struct base *base, unsigned number)
{
    const GUID key = base_key(number);

    assert_int_equal(model_delete_by_key(base->session, MODEL_FILTER, &key, NULL), ERROR_SUCCESS);
}

bool base_has(struct base *base, unsigned number)
{
    const GUID key = base_key(number);
    struct model_object object;

    return model_get_by_key(base->session, MODEL_FILTER, &key, &object, NULL) == ERROR_SUCCESS;
}
