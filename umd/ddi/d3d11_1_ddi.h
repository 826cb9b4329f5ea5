// The D3D11.1 user-mode display driver interface (WDDM 1.2), all of it that this project uses.
// Names, orders and layouts are the DDI's own; declared from its public documentation.
#ifndef WARD_UMD_DDI_D3D11_1_DDI_H_
#define WARD_UMD_DDI_D3D11_1_DDI_H_

#include "umd/ddi/adapter.h"                     // IWYU pragma: export
#include "umd/ddi/api_flags.h"                   // IWYU pragma: export
#include "umd/ddi/channel_messages.h"            // IWYU pragma: export
#include "umd/ddi/content_protection.h"          // IWYU pragma: export
#include "umd/ddi/core_layer_callbacks.h"        // IWYU pragma: export
#include "umd/ddi/device_functions.h"            // IWYU pragma: export
#include "umd/ddi/dxgi_functions.h"              // IWYU pragma: export
#include "umd/ddi/dxgi_types.h"                  // IWYU pragma: export
#include "umd/ddi/guids.h"                       // IWYU pragma: export
#include "umd/ddi/handles.h"                     // IWYU pragma: export
#include "umd/ddi/hardware_protection.h"         // IWYU pragma: export
#include "umd/ddi/kernel_callbacks.h"            // IWYU pragma: export
#include "umd/ddi/kernel_structures.h"           // IWYU pragma: export
#include "umd/ddi/resource.h"                    // IWYU pragma: export
#include "umd/ddi/status_codes.h"                // IWYU pragma: export
#include "umd/ddi/undeclared_function.h"         // IWYU pragma: export
#include "umd/ddi/versions.h"                    // IWYU pragma: export
#include "umd/ddi/video_decoder.h"               // IWYU pragma: export
#include "umd/ddi/video_functions.h"             // IWYU pragma: export
#include "umd/ddi/video_functions_wddm2.h"       // IWYU pragma: export
#include "umd/ddi/video_processor.h"             // IWYU pragma: export
#include "umd/ddi/video_processor_structures.h"  // IWYU pragma: export
#include "umd/ddi/windows_types.h"               // IWYU pragma: export

#endif  // WARD_UMD_DDI_D3D11_1_DDI_H_
