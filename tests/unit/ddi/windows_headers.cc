// Compiled for Windows only, with mingw-w64: the layout assertions hold over the system's own
// types, and the headers live beside <d3d11.h>, whose messages have the same sizes.
#include <d3d11.h>
#include <d3d9.h>
// Needs <d3d9.h> before it.
#include <opmapi.h>

#include "umd/ddi/d3d11_1_ddi.h"
#include "umd/ddi/output_protection.h"

static_assert(sizeof(OPM_GET_INFO_PARAMETERS) == sizeof(DXGKMDT_OPM_GET_INFO_PARAMETERS));
static_assert(sizeof(OPM_REQUESTED_INFORMATION) == sizeof(DXGKMDT_OPM_REQUESTED_INFORMATION));
static_assert(sizeof(OPM_CONFIGURE_PARAMETERS) == sizeof(DXGKMDT_OPM_CONFIGURE_PARAMETERS));
static_assert(sizeof(OPM_STANDARD_INFORMATION) == sizeof(DXGKMDT_OPM_STANDARD_INFORMATION));
static_assert(sizeof(OPM_CONNECTED_HDCP_DEVICE_INFORMATION) ==
              sizeof(DXGKMDT_OPM_CONNECTED_HDCP_DEVICE_INFORMATION));
static_assert(sizeof(OPM_SET_PROTECTION_LEVEL_PARAMETERS) ==
              sizeof(DXGKMDT_OPM_SET_PROTECTION_LEVEL_PARAMETERS));

static_assert(sizeof(D3D11_AUTHENTICATED_CONFIGURE_OUTPUT) ==
              sizeof(D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT));
static_assert(sizeof(D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT) ==
              sizeof(D3D11_1DDI_AUTHENTICATED_CONFIGURE_INITIALIZE));
static_assert(sizeof(D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT) ==
              sizeof(D3D11_1DDI_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION));
static_assert(sizeof(D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT) ==
              sizeof(D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT));
static_assert(sizeof(D3D11_VIDEO_CONTENT_PROTECTION_CAPS) ==
              sizeof(D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS));
static_assert(sizeof(D3D11_ENCRYPTED_BLOCK_INFO) == sizeof(D3D11_1DDI_ENCRYPTED_BLOCK_INFO));
static_assert(static_cast<UINT>(D3D11_RESOURCE_MISC_RESTRICTED_CONTENT) ==
              ward::umd::kApiResourceMiscRestrictedContent);
static_assert(static_cast<UINT>(D3D11_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE_DRIVER) ==
              ward::umd::kApiResourceMiscRestrictSharedResourceDriver);
