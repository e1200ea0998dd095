/* The boot image's bytes: what was written is read, and nothing else is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/closed.h"
#include "boot/image.h"

static const char code[] = "not an object file, but the image does not mind";

struct sample {
    struct classify_image *policy;
    uint8_t *bytes;
    size_t size;
};

static void make_sample(struct sample *sample)
{
    const char *apps[] = {"/usr/bin/curl", "/usr/sbin/sshd"};
    struct model_error error;
    struct boot_image image = {.filters = 3,
                               .apps = apps,
                               .app_count = 2,
                               .groups = {{.gid = 4, .bits = 1}, {.gid = 100, .bits = 6}},
                               .group_count = 2,
                               .callouts = {{.slot = 5, .bytes = code, .size = sizeof(code)}},
                               .callout_count = 1};

    sample->policy = boot_closed_policy(&error);
    assert_non_null(sample->policy);
    image.policy = sample->policy->memory;
    image.policy_size = sample->policy->used;
    assert_int_equal(0, boot_image_encode(&image, &sample->bytes, &sample->size));
}

static void free_sample(struct sample *sample)
{
    classify_image_free(sample->policy);
    free(sample->bytes);
}

static int decode(const uint8_t *bytes, size_t size)
{
    struct boot_reason reason;
    struct boot_image image;
    int result = boot_image_decode(&image, bytes, size, &reason);

    if (result)
        assert_true(strlen(reason.text) > 0);
    else
        boot_image_free(&image);
    return result;
}

static void test_what_was_written_is_read(void **state)
{
    struct boot_reason reason;
    struct boot_image image;
    struct sample sample;

    make_sample(&sample);
    assert_int_equal(0, boot_image_decode(&image, sample.bytes, sample.size, &reason));
    assert_int_equal(3, image.filters);
    assert_int_equal(2, image.app_count);
    assert_string_equal("/usr/sbin/sshd", image.apps[1]);
    assert_int_equal(100, image.groups[1].gid);
    assert_int_equal(6, image.groups[1].bits);
    assert_int_equal(5, image.callouts[0].slot);
    assert_memory_equal(code, image.callouts[0].bytes, sizeof(code));
    assert_int_equal(sample.policy->used, image.policy_size);
    assert_memory_equal(sample.policy->memory, image.policy, image.policy_size);
    boot_image_free(&image);
    free_sample(&sample);
}

static void test_every_damage_is_seen(void **state)
{
    struct sample sample;

    make_sample(&sample);
    for (size_t i = 0; i < sample.size; i += i < 256 ? 1 : 211) {
        sample.bytes[i] ^= 0x10;
        assert_int_not_equal(0, decode(sample.bytes, sample.size));
        sample.bytes[i] ^= 0x10;
    }
    for (size_t size = 0; size < sample.size; size += size < 256 ? 1 : 211)
        assert_int_not_equal(0, decode(sample.bytes, size));
    assert_int_equal(0, decode(sample.bytes, sample.size));
    free_sample(&sample);
}

static void test_another_version_is_told_from_damage(void **state)
{
    struct sample sample;

    make_sample(&sample);
    sample.bytes[12]++;
    assert_int_equal(-EPROTO, decode(sample.bytes, sample.size));
    assert_int_equal(-EBADMSG, decode((const uint8_t *)"nonsense", 8));
    free_sample(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_every_damage_is_seen),
        cmocka_unit_test(test_another_version_is_told_from_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
