/* The users or groups of a security descriptor. */
#include "src/model/sd.h"
#include "src/wfp/arena.h"
#include "src/wfp/describe.h"

/* The accounts of a descriptor as the language makes it. */
struct account_list {
    bool groups, negated;
    unsigned count;
};

static bool account_id(const struct sid *sid, bool *group, uint32_t *id)
{
    *group = sid_to_gid(sid, id);
    return *group || sid_to_uid(sid, id);
}

/* Entry i fits to those before it: the same kind of account, all allowed or all denied. */
static bool fits(struct account_list *list, unsigned i, const struct sd_ace *ace)
{
    bool group, deny = ace->type == SD_ACE_DENY;
    uint32_t id;
    if (ace->mask != FWP_ACTRL_MATCH_FILTER || ace->flags != 0 ||
        (!deny && ace->type != SD_ACE_ALLOW) || !account_id(&ace->sid, &group, &id))
        return false;
    if (i == 0) {
        list->groups = group;
        list->negated = deny;
    }
    return list->groups == group && list->negated == deny;
}

/* All allowed; or all denied, and then everyone else allowed. */
static bool read_accounts(const struct sd *sd, struct account_list *list)
{
    struct sid everyone = sid_everyone();
    struct sd_ace ace, behind;
    unsigned i = 0;
    while (sd_ace(sd, sd->dacl, i, &ace) && fits(list, i, &ace))
        i++;
    list->count = i;
    if (i == 0 || !list->negated)
        return i > 0 && !sd_ace(sd, sd->dacl, i, &ace);
    return sd_ace(sd, sd->dacl, i, &ace) && ace.type == SD_ACE_ALLOW &&
           ace.mask == FWP_ACTRL_MATCH_FILTER && ace.flags == 0 && sid_equal(&ace.sid, &everyone) &&
           !sd_ace(sd, sd->dacl, i + 1, &behind);
}

static const char *account_text(const struct describer *describer, const struct sid *sid)
{
    const char *name = NULL;
    bool group;
    uint32_t id = 0;
    account_id(sid, &group, &id);
    if (group && describer->group != NULL)
        name = describer->group(describer->ctx, id);
    else if (!group && describer->user != NULL)
        name = describer->user(describer->ctx, id);
    return name != NULL ? arena_strdup(describer->arena, name)
                        : arena_printf(describer->arena, "%u", id);
}

const char *describe_accounts(const struct describer *describer, const struct sd *sd)
{
    struct account_list list = {0};
    struct sd_ace ace;
    const char *text = "";
    if (!read_accounts(sd, &list))
        return NULL;
    for (unsigned i = 0; i < list.count && sd_ace(sd, sd->dacl, i, &ace); i++) {
        const char *name = account_text(describer, &ace.sid);
        text = i == 0 ? name : arena_printf(describer->arena, "%s, %s", text, name);
    }
    return arena_printf(describer->arena, list.count == 1 ? "%s %s%s" : "%s %s{ %s }",
                        list.groups ? "group" : "user", list.negated ? "not " : "", text);
}
