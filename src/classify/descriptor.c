#include "compiler.h"
#include "model/sd.h"

/* The bit of a group, allotted at its first mention; 0: all 64 are taken. */
static uint64_t group_bit(struct classify_image *image, uint32_t gid)
{
    for (uint32_t i = 0; i < image->group_count; i++) {
        if (image->groups[i].gid == gid)
            return image->groups[i].bits;
    }
    if (image->group_count == 64)
        return 0;
    struct classify_group *group = &image->groups[image->group_count];
    *group = (struct classify_group){.gid = gid, .bits = 1ull << image->group_count};
    image->group_count++;
    return group->bits;
}

/* Tests whether the user is whom the entry names. */
static uint32_t compile_trustee(struct compiler *compiler, const struct sid *sid)
{
    struct sid everyone = sid_everyone(), administrators = sid_administrators();
    uint32_t id;
    if (sid_equal(sid, &everyone))
        return compile_test(compiler, CLASSIFY_IN_RANGE, CLASSIFY_UID, 0, UINT64_MAX);
    if (sid_equal(sid, &administrators))
        return compile_test(compiler, CLASSIFY_IN_RANGE, CLASSIFY_UID, 0, 0);
    if (sid_to_uid(sid, &id))
        return compile_test(compiler, CLASSIFY_IN_RANGE, CLASSIFY_UID, id, id);
    if (!sid_to_gid(sid, &id)) /* nobody on this system */
        return compile_test(compiler, CLASSIFY_NEVER, 0, 0, 0);
    uint64_t bit = group_bit(compiler->image, id);
    if (bit == 0)
        return compile_fail(compiler, FWP_E_OUT_OF_BOUNDS,
                            "group %u is one too many: conditions can name 64 different groups",
                            id);
    return compile_test(compiler, CLASSIFY_FLAGS_ANY_SET, CLASSIFY_USER_BITS, bit, 0);
}

/* The first entry that names the user and the right decides; after it comes the next one. */
static uint32_t compile_entry(struct compiler *compiler, const struct sd_ace *ace)
{
    uint32_t code = compile_trustee(compiler, &ace->sid);
    if (code != ERROR_SUCCESS)
        return code;
    struct classify_element *test = &compiler->image->elements[compiler->image->count - 1];
    test->on_match = ace->type == SD_ACE_ALLOW ? JUMP_HOLDS : JUMP_FAILS;
    test->on_miss = compiler->image->count;
    return ERROR_SUCCESS;
}

static bool decides(const struct sd_ace *ace)
{
    return (ace->type == SD_ACE_ALLOW || ace->type == SD_ACE_DENY) &&
           !(ace->flags & SD_ACE_INHERIT_ONLY) && (ace->mask & FWP_ACTRL_MATCH_FILTER);
}

uint32_t compile_descriptor(struct compiler *compiler, const FWP_BYTE_BLOB *descriptor)
{
    struct sd sd;
    struct sd_ace ace;
    const char *why;
    if (!sd_open(&sd, descriptor->data, descriptor->size, &why))
        return compile_fail(compiler, ERROR_INVALID_SECURITY_DESCR, "security descriptor: %s", why);
    if (sd.dacl == 0) /* no list: everyone */
        return compile_test(compiler, CLASSIFY_IN_RANGE, CLASSIFY_UID, 0, UINT64_MAX);
    for (unsigned i = 0; sd_ace(&sd, sd.dacl, i, &ace); i++) {
        uint32_t code = decides(&ace) ? compile_entry(compiler, &ace) : ERROR_SUCCESS;
        if (code != ERROR_SUCCESS)
            return code;
    }
    return compile_test(compiler, CLASSIFY_NEVER, 0, 0, 0);
}
