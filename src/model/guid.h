/* GUIDs: text form, comparison, fresh ones. Text is 8-4-4-4-12 hex digits, braces allowed on input.
 */
#ifndef OPENWFP_MODEL_GUID_H
#define OPENWFP_MODEL_GUID_H

#include <stdbool.h>
#include <stdint.h>

#include <fwptypes.h>

#define GUID_TEXT_SIZE 37

bool guid_parse(const char *text, GUID *guid);
/* Lower case, no braces; returns text. */
char *guid_format(const GUID *guid, char text[GUID_TEXT_SIZE]);
bool guid_equal(const GUID *a, const GUID *b);
bool guid_is_zero(const GUID *guid);
/* Order of the 16 bytes in memory. */
int guid_compare(const GUID *a, const GUID *b);
/* A random version 4 GUID; false when the system has no randomness to give. */
bool guid_random(GUID *guid);
/* Makes one of 16 random bytes. */
GUID guid_of_random(const uint8_t bytes[16]);

#endif
