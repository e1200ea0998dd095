/* What drivers share with the library is laid out as in 64-bit Windows. */
#include <fwpsk.h>

#include <fwpmk.h>

#define SIZE(type, bytes)           _Static_assert(sizeof(type) == (bytes), #type)
#define PLACE(type, member, offset) _Static_assert(offsetof(type, member) == (offset), #member)

SIZE(NTSTATUS, 4);
SIZE(ULONG, 4);
SIZE(WCHAR, 2);
SIZE(UNICODE_STRING, 16);
SIZE(DRIVER_OBJECT, 336);
PLACE(DRIVER_OBJECT, DriverUnload, 104);

SIZE(MDL, 48);
SIZE(NET_BUFFER, 176);
PLACE(NET_BUFFER, CurrentMdlOffset, 16);
PLACE(NET_BUFFER, DataLength, 24);
PLACE(NET_BUFFER, DataOffset, 40);
PLACE(NET_BUFFER, ProtocolReserved, 80);
PLACE(NET_BUFFER_LIST, ParentNetBufferList, 24);
PLACE(NET_BUFFER_LIST, Status, 140);

SIZE(SCOPE_ID, 4);
SIZE(SOCKADDR_INET, 28);
SIZE(IP_ADDRESS_PREFIX, 32);
SIZE(SOCKADDR_STORAGE, 128);

SIZE(FWPS_FILTER3, 64);
PLACE(FWPS_FILTER3, action, 40);
PLACE(FWPS_FILTER3, context, 48);
SIZE(FWPS_INCOMING_VALUES0, 16);
SIZE(FWPS_CLASSIFY_OUT0, 40);
PLACE(FWPS_CLASSIFY_OUT0, rights, 24);
SIZE(FWPS_CALLOUT3, 48);
PLACE(FWPS_CALLOUT3, classifyFn, 24);
PLACE(FWPS_INCOMING_METADATA_VALUES0, flowHandle, 32);
PLACE(FWPS_INCOMING_METADATA_VALUES0, processPath, 48);
PLACE(FWPS_INCOMING_METADATA_VALUES0, compartmentId, 80);
PLACE(FWPS_INCOMING_METADATA_VALUES0, completionHandle, 104);
PLACE(FWPS_INCOMING_METADATA_VALUES0, transportEndpointHandle, 112);
PLACE(FWPS_INCOMING_METADATA_VALUES0, packetDirection, 140);
PLACE(FWPS_INCOMING_METADATA_VALUES0, headerIncludeHeader, 144);
PLACE(FWPS_INCOMING_METADATA_VALUES0, parentEndpointHandle, 192);
PLACE(FWPS_INCOMING_METADATA_VALUES0, redirectRecords, 216);
PLACE(FWPS_TRANSPORT_SEND_PARAMS1, headerIncludeHeader, 32);
PLACE(FWPS_CONNECT_REQUEST0, localRedirectHandle, 288);

/* The names without a version are the newest. */
static FWPS_CALLOUT_CLASSIFY_FN3 newest_classify = (FWPS_CALLOUT_CLASSIFY_FN)0;
static NTSTATUS (*newest_register)(void *, const FWPS_CALLOUT3 *, UINT32 *) = FwpsCalloutRegister;

int main(void)
{
    return newest_classify || !newest_register;
}
