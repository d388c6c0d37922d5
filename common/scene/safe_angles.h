// Sun and view angles of a SAFE product's MTD_TL.xml. What is no number, or no angle that can be, is left out and noted: it must
// never pass for 0.
#ifndef ARPENT_COMMON_SCENE_SAFE_ANGLES_H_
#define ARPENT_COMMON_SCENE_SAFE_ANGLES_H_

#include "common/scene/safe_metadata.h"
#include "common/scene/xml_reader.h"

namespace arpent::scene {

// bandId or band_id of a node; -1 (and an error) when it is none of the bands.
int BandOf(const pugi::xml_node& node, XmlReader& reader);

// Fills tile.sun and the mean; an error when the mean is missing, or further than 5 degrees from what the grid says.
void ReadSunAngles(XmlReader& reader, SafeTileMetadata& tile);

// Fills tile.view and the means by band: nadir, noted, where there is neither grid nor mean.
void ReadViewAngles(XmlReader& reader, SafeTileMetadata& tile);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_SAFE_ANGLES_H_
