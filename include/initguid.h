/* Included before the headers that DEFINE_GUID: this file defines the GUIDs they declare. */
#define INITGUID
#undef DEFINE_GUID
#include <guiddef.h>
