#include "compiler.h"
#include "model/sd.h"

/* The bit of a group, allotted at its first mention; 0: all 64 are taken. */
static uint64_t group_bit(struct compiler *compiler, uint32_t gid)
{
    uint32_t count = *compiler->group_count;
    for (uint32_t i = 0; i < count; i++) {
        if (compiler->groups[i].gid == gid)
            return compiler->groups[i].bits;
    }
    if (count == 64)
        return 0;
    compiler->groups[count] = (struct classify_group){.gid = gid, .bits = 1ull << count};
    *compiler->group_count = count + 1;
    return 1ull << count;
}

/* Tests whether the user is whom the entry names. */
static struct test *compile_trustee(struct compiler *compiler, const struct sid *sid)
{
    struct sid everyone = sid_everyone(), administrators = sid_administrators();
    uint32_t id;
    if (sid_equal(sid, &everyone))
        return compile_test(compiler, TEST_RANGE, CLASSIFY_UID, 0, UINT64_MAX);
    if (sid_equal(sid, &administrators))
        return compile_test(compiler, TEST_RANGE, CLASSIFY_UID, 0, 0);
    if (sid_to_uid(sid, &id))
        return compile_test(compiler, TEST_RANGE, CLASSIFY_UID, id, id);
    if (!sid_to_gid(sid, &id)) /* nobody on this system */
        return compile_test(compiler, TEST_NEVER, 0, 0, 0);
    uint64_t bit = group_bit(compiler, id);
    if (bit != 0)
        return compile_test(compiler, TEST_FLAGS_ANY, CLASSIFY_USER_BITS, bit, 0);
    compile_fail(compiler, FWP_E_OUT_OF_BOUNDS,
                 "group %u is one too many: conditions can name 64 different groups", id);
    return NULL;
}

/* The first entry that names the user and the right decides; after it comes the next one. */
static uint32_t compile_entry(struct compiler *compiler, const struct sd_ace *ace)
{
    struct test *test = compile_trustee(compiler, &ace->sid);
    if (test == NULL)
        return compiler->error->code;
    test->on_match = ace->type == SD_ACE_ALLOW ? JUMP_HOLDS : JUMP_FAILS;
    test->on_miss = compiler->tests.count;
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
    uint32_t first = compiler->tests.count;
    if (!sd_open(&sd, descriptor->data, descriptor->size, &why))
        return compile_fail(compiler, ERROR_INVALID_SECURITY_DESCR, "security descriptor: %s", why);
    if (sd.dacl == 0) /* no list: everyone */
        return compile_test(compiler, TEST_RANGE, CLASSIFY_UID, 0, UINT64_MAX) == NULL
                   ? ERROR_NOT_ENOUGH_MEMORY
                   : ERROR_SUCCESS;
    for (unsigned i = 0; sd_ace(&sd, sd.dacl, i, &ace); i++) {
        uint32_t code = decides(&ace) ? compile_entry(compiler, &ace) : ERROR_SUCCESS;
        if (code != ERROR_SUCCESS)
            return code;
    }
    uint32_t count = compiler->tests.count;
    if (count == first) /* nobody is named */
        return compile_test(compiler, TEST_NEVER, 0, 0, 0) == NULL ? ERROR_NOT_ENOUGH_MEMORY
                                                                   : ERROR_SUCCESS;
    compiler->tests.list[count - 1].on_miss = JUMP_FAILS;
    return ERROR_SUCCESS;
}
