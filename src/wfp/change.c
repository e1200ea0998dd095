#include "src/wfp/change.h"

#include <openwfp.h>
#include <stdlib.h>
#include <string.h>

#include "src/model/guid.h"
#include "src/model/utf16.h"
#include "src/wfp/arena.h"
#include "src/wfp/describe.h"
#include "src/wfp/engine.h"
#include "src/wfp/list.h"
#include "src/wfp/policy/key.h"

#define BATCH 4096u /* filters sent in one go */

/* What the engine has of a policy. */
struct present {
    struct arena *arena;
    const GUID *provider;
    struct key {
        GUID key;
        UINT64 id; /* of a filter */
        bool wanted;
        struct key *next;
    } * filters, *sublayers;
    size_t filter_count;
};

static struct key *push(struct present *present, struct key **list, const GUID *key)
{
    struct key *entry = arena_alloc(present->arena, sizeof(*entry));
    entry->key = *key;
    entry->next = *list;
    *list = entry;
    return entry;
}

static bool see_filter(void *ctx, const FWPM_FILTER0 *filter)
{
    struct present *present = ctx;
    push(present, &present->filters, &filter->filterKey)->id = filter->filterId;
    present->filter_count++;
    return true;
}

static bool see_sublayer(void *ctx, const FWPM_SUBLAYER0 *sublayer)
{
    struct present *present = ctx;
    if (sublayer->providerKey != NULL && guid_equal(sublayer->providerKey, present->provider))
        push(present, &present->sublayers, &sublayer->subLayerKey);
    return true;
}

static int look(struct change *change, struct present *present, const GUID *provider)
{
    *present = (struct present){.arena = change->cli->arena, .provider = provider};
    DWORD code = list_filters(change->engine, provider, see_filter, present);
    if (code == ERROR_SUCCESS)
        code = list_sublayers(change->engine, see_sublayer, present);
    return code == ERROR_SUCCESS ? EXIT_DONE
                                 : engine_fail(change->cli, code, "can't list what is there");
}

/* ---- adding ---- */

static const char *filter_label(const struct change *change, const FWPM_FILTER0 *filter)
{
    struct arena *arena = change->cli->arena;
    return arena_printf(arena, "can't add \"%s\" (%s)",
                        arena_narrow(arena, filter->displayData.name),
                        arena_narrow(arena, filter->displayData.description));
}

int change_add_filters(struct change *change, const FWPM_FILTER0 *filters, size_t count,
                       UINT64 *ids)
{
    for (size_t done = 0; done < count;) {
        UINT32 batch = (UINT32)(count - done < BATCH ? count - done : BATCH);
        UINT32 added = 0;
        DWORD code = OpenWfpFilterAddMany(change->engine, filters + done, batch,
                                          ids == NULL ? NULL : ids + done, &added);
        change->added += added;
        if (code != ERROR_SUCCESS)
            return engine_fail(change->cli, code, filter_label(change, &filters[done + added]));
        done += batch;
    }
    return EXIT_DONE;
}

int change_need_provider(struct change *change, const FWPM_PROVIDER0 *provider)
{
    DWORD code = FwpmProviderAdd0(change->engine, provider, NULL);
    if (code == ERROR_SUCCESS || code == FWP_E_ALREADY_EXISTS)
        return EXIT_DONE;
    return engine_fail(change->cli, code, "can't add the policy's provider");
}

int change_need_sublayer(struct change *change, const FWPM_SUBLAYER0 *sublayer)
{
    DWORD code = FwpmSubLayerAdd0(change->engine, sublayer, NULL);
    if (code == ERROR_SUCCESS || code == FWP_E_ALREADY_EXISTS)
        return EXIT_DONE;
    return engine_fail(change->cli, code,
                       arena_printf(change->cli->arena, "can't add the sublayer \"%s\"",
                                    arena_narrow(change->cli->arena, sublayer->displayData.name)));
}

/* ---- deleting ---- */

static int delete_filters(struct change *change, const struct present *present)
{
    UINT64 *ids = arena_alloc(present->arena, (present->filter_count + 1) * sizeof(*ids));
    UINT32 count = 0, deleted = 0;
    for (const struct key *entry = present->filters; entry != NULL; entry = entry->next) {
        if (!entry->wanted)
            ids[count++] = entry->id;
    }
    DWORD code = OpenWfpFilterDeleteMany(change->engine, ids, count, &deleted);
    change->deleted += deleted;
    return code == ERROR_SUCCESS
               ? EXIT_DONE
               : engine_fail(change->cli, code, "can't delete a filter of the policy before");
}

static int delete_sublayers(struct change *change, const struct present *present)
{
    for (const struct key *entry = present->sublayers; entry != NULL; entry = entry->next) {
        if (entry->wanted)
            continue;
        DWORD code = FwpmSubLayerDeleteByKey0(change->engine, &entry->key);
        if (code != ERROR_SUCCESS)
            return engine_fail(change->cli, code, "can't delete a sublayer of the policy before");
    }
    return EXIT_DONE;
}

struct answers {
    const struct present *present;
    struct present found;
};

static bool see_answer(void *ctx, const FWPM_FILTER0 *filter)
{
    struct answers *answers = ctx;
    const struct key *sublayer = answers->present->sublayers;
    while (sublayer != NULL &&
           (sublayer->wanted || !guid_equal(&sublayer->key, &filter->subLayerKey)))
        sublayer = sublayer->next;
    return sublayer == NULL || see_filter(&answers->found, filter);
}

/* What wfp ask wrote into a sublayer goes with it. */
static int delete_answers(struct change *change, const struct present *present)
{
    GUID provider = key_of_provider(CHANGE_ANSWERS);
    struct answers answers = {present, {.arena = present->arena}};
    DWORD code = list_filters(change->engine, &provider, see_answer, &answers);
    if (code != ERROR_SUCCESS)
        return engine_fail(change->cli, code, "can't list the answers of wfp ask");
    return delete_filters(change, &answers.found);
}

static int delete_unwanted(struct change *change, const struct present *present)
{
    int result = delete_filters(change, present);
    if (result == EXIT_DONE && present->sublayers != NULL)
        result = delete_answers(change, present);
    return result == EXIT_DONE ? delete_sublayers(change, present) : result;
}

int change_remove(struct change *change, const char *policy)
{
    GUID provider = key_of_provider(policy);
    struct present present;
    int result = look(change, &present, &provider);
    if (result == EXIT_DONE)
        result = delete_unwanted(change, &present);
    if (result != EXIT_DONE)
        return result;
    DWORD code = FwpmProviderDeleteByKey0(change->engine, &provider);
    if (code == (DWORD)FWP_E_PROVIDER_NOT_FOUND)
        return cli_fail(change->cli,
                        "there is no policy \"%s\"; \"wfp show providers\" lists those there are",
                        policy);
    if (code != ERROR_SUCCESS)
        return engine_fail(
            change->cli, code,
            arena_printf(change->cli->arena, "can't delete the policy \"%s\"", policy));
    return EXIT_DONE;
}

/* ---- replacing ---- */

static bool same_text(const WCHAR *a, const WCHAR *b)
{
    return a != NULL && b != NULL && utf16_compare(a, b) == 0;
}

/* Whether the engine's sublayer of this key is just the one that is wanted. */
static bool sublayer_stands(const struct change *change, const FWPM_SUBLAYER0 *wanted)
{
    FWPM_SUBLAYER0 *there = NULL;
    if (FwpmSubLayerGetByKey0(change->engine, &wanted->subLayerKey, &there) != ERROR_SUCCESS)
        return false;
    bool same = there->weight == wanted->weight && there->flags == wanted->flags &&
                same_text(there->displayData.name, wanted->displayData.name);
    FwpmFreeMemory0((void **)&there);
    return same;
}

static bool provider_stands(const struct change *change, const FWPM_PROVIDER0 *wanted)
{
    FWPM_PROVIDER0 *there = NULL;
    if (FwpmProviderGetByKey0(change->engine, &wanted->providerKey, &there) != ERROR_SUCCESS)
        return false;
    bool same = (there->flags & ~(UINT32)FWPM_PROVIDER_FLAG_DISABLED) == wanted->flags;
    FwpmFreeMemory0((void **)&there);
    return same;
}

static int compare_keys(const void *a, const void *b)
{
    return guid_compare(&(*(const struct key *const *)a)->key,
                        &(*(const struct key *const *)b)->key);
}

static int compare_filter_key(const void *filter, const void *entry)
{
    return guid_compare(&((const FWPM_FILTER0 *)filter)->filterKey,
                        &(*(const struct key *const *)entry)->key);
}

/* Filters that stay are marked wanted and left out of the returned, new ones. */
static FWPM_FILTER0 *new_filters(struct present *present, const struct policy_objects *objects,
                                 size_t *count)
{
    struct arena *arena = present->arena;
    FWPM_FILTER0 *fresh = arena_alloc(arena, (objects->filter_count + 1) * sizeof(*fresh));
    struct key **sorted = arena_alloc(arena, (present->filter_count + 1) * sizeof(struct key *));
    size_t n = 0;
    for (struct key *entry = present->filters; entry != NULL; entry = entry->next)
        sorted[n++] = entry;
    qsort(sorted, n, sizeof(struct key *), compare_keys);
    *count = 0;
    for (size_t i = 0; i < objects->filter_count; i++) {
        struct key **found =
            bsearch(&objects->filters[i], sorted, n, sizeof(struct key *), compare_filter_key);
        if (found != NULL)
            (*found)->wanted = true;
        else
            fresh[(*count)++] = objects->filters[i];
    }
    return fresh;
}

static void mark_sublayers(struct present *present, const struct policy_objects *objects)
{
    for (struct key *entry = present->sublayers; entry != NULL; entry = entry->next) {
        for (size_t i = 0; i < objects->sublayer_count; i++) {
            if (guid_equal(&entry->key, &objects->sublayers[i].subLayerKey))
                entry->wanted = true;
        }
    }
}

/* Sublayers and providers can't be changed, only made anew: then everything is. */
static bool frame_stands(const struct change *change, const struct policy_objects *objects)
{
    bool stands = provider_stands(change, &objects->provider);
    for (size_t i = 0; stands && i < objects->sublayer_count; i++)
        stands = sublayer_stands(change, &objects->sublayers[i]);
    return stands;
}

static int make_frame(struct change *change, const struct policy_objects *objects)
{
    int result = change_need_provider(change, &objects->provider);
    for (size_t i = 0; result == EXIT_DONE && i < objects->sublayer_count; i++)
        result = change_need_sublayer(change, &objects->sublayers[i]);
    return result;
}

static int apply_anew(struct change *change, const struct policy_objects *objects)
{
    FWPM_PROVIDER0 *there = NULL;
    int result = EXIT_DONE;
    if (FwpmProviderGetByKey0(change->engine, &objects->provider.providerKey, &there) ==
        ERROR_SUCCESS) {
        FwpmFreeMemory0((void **)&there);
        result = change_remove(change, objects->name);
    }
    if (result == EXIT_DONE)
        result = make_frame(change, objects);
    return result == EXIT_DONE
               ? change_add_filters(change, objects->filters, objects->filter_count, NULL)
               : result;
}

int change_apply(struct change *change, const struct policy_objects *objects)
{
    struct present present;
    if (!frame_stands(change, objects))
        return apply_anew(change, objects);
    int result = look(change, &present, &objects->provider.providerKey);
    if (result != EXIT_DONE)
        return result;
    size_t count;
    FWPM_FILTER0 *fresh = new_filters(&present, objects, &count);
    change->kept = objects->filter_count - count;
    mark_sublayers(&present, objects);
    result = delete_unwanted(change, &present);
    return result == EXIT_DONE ? change_add_filters(change, fresh, count, NULL) : result;
}

int change_run(struct change *change, int (*run)(struct change *change, const void *what),
               const void *what)
{
    DWORD code = FwpmTransactionBegin0(change->engine, 0);
    if (code != ERROR_SUCCESS)
        return engine_fail(change->cli, code, "can't begin a transaction");
    int result = run(change, what);
    if (result != EXIT_DONE) {
        FwpmTransactionAbort0(change->engine);
        return result;
    }
    code = FwpmTransactionCommit0(change->engine);
    return code == ERROR_SUCCESS ? EXIT_DONE : engine_fail(change->cli, code, "can't commit");
}
