#include "src/wfp/names.h"

#include "src/model/guid.h"
#include "src/wfp/arena.h"
#include "src/wfp/list.h"

static struct names_entry *push(struct object_names *names, const struct names_entry **list,
                                const GUID *key, const WCHAR *name)
{
    struct names_entry *entry = arena_alloc(names->arena, sizeof(*entry));
    entry->key = *key;
    entry->name = arena_narrow(names->arena, name);
    entry->next = *list;
    *list = entry;
    return entry;
}

static bool see_sublayer(void *ctx, const FWPM_SUBLAYER0 *sublayer)
{
    struct object_names *names = ctx;
    push(names, &names->sublayers, &sublayer->subLayerKey, sublayer->displayData.name)->weight =
        sublayer->weight;
    return true;
}

static bool see_callout(void *ctx, const FWPM_CALLOUT0 *callout)
{
    struct object_names *names = ctx;
    push(names, &names->callouts, &callout->calloutKey, callout->displayData.name);
    return true;
}

static bool see_provider(void *ctx, const FWPM_PROVIDER0 *provider)
{
    struct object_names *names = ctx;
    push(names, &names->providers, &provider->providerKey, provider->displayData.name);
    return true;
}

DWORD names_read(struct object_names *names, struct arena *arena, HANDLE engine)
{
    *names = (struct object_names){.arena = arena};
    DWORD code = list_sublayers(engine, see_sublayer, names);
    if (code == ERROR_SUCCESS)
        code = list_callouts(engine, see_callout, names);
    if (code == ERROR_SUCCESS)
        code = list_providers(engine, see_provider, names);
    return code;
}

const struct names_entry *names_find(const struct names_entry *list, const GUID *key)
{
    while (list != NULL && !guid_equal(&list->key, key))
        list = list->next;
    return list;
}

const char *names_text(struct arena *arena, const struct names_entry *list, const GUID *key)
{
    char text[GUID_TEXT_SIZE];
    const struct names_entry *entry = names_find(list, key);
    return entry != NULL ? entry->name : arena_strdup(arena, guid_format(key, text));
}

static const char *callout_name(void *ctx, const GUID *key)
{
    const struct object_names *names = ctx;
    const struct names_entry *entry = names_find(names->callouts, key);
    return entry == NULL ? NULL : entry->name;
}

struct describer names_describer(struct object_names *names)
{
    struct describer describer = describer_host;
    describer.arena = names->arena;
    describer.ctx = names;
    describer.callout = callout_name;
    return describer;
}
