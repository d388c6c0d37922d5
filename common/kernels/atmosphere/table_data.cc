#include "common/kernels/atmosphere/table_data.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "common/base/digest.h"

namespace arpent::kernels {
namespace {

static_assert(std::endian::native == std::endian::little, "the tables are little-endian");

constexpr absl::string_view kMagic = "ARPNTLUT";
constexpr size_t kDigestSize = 64;
constexpr size_t kHeaderSize = 8 + 4 + 4 + 8 + kDigestSize;
constexpr size_t kNameSize = 8;

template <typename T>
void Append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void AppendFloats(std::string& bytes, const float* values, size_t count) {
  bytes.append(reinterpret_cast<const char*>(values), count * sizeof(float));
}

// Reads values one after another; the caller has checked the size of the whole.
class Cursor {
 public:
  explicit Cursor(absl::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  T Read() {
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }
  void ReadFloats(float* values, size_t count) {
    std::memcpy(values, bytes_.data() + position_, count * sizeof(float));
    position_ += count * sizeof(float);
  }
  std::string ReadName() {
    const char* start = bytes_.data() + position_;
    position_ += kNameSize;
    return std::string(start, strnlen(start, kNameSize));
  }

 private:
  absl::string_view bytes_;
  size_t position_ = 0;
};

// Calls visit(floats, count) for the float members of a band in their order in the file.
template <typename Band, typename Visit>
void VisitFloats(Band& band, const Visit& visit) {
  visit(&band.wavelength_um, 1);
  visit(&band.molecular_optical_thickness, 1);
  visit(band.relative_extinction.data(), band.relative_extinction.size());
  visit(band.gas.water.data(), band.gas.water.size());
  visit(band.gas.ozone.data(), band.gas.ozone.size());
  visit(band.gas.other.data(), band.gas.other.size());
  visit(band.gas.overlap.data(), band.gas.overlap.size());
  visit(band.gas.present.data(), band.gas.present.size());
  visit(band.phase.data(), band.phase.size());
  visit(band.terms.data(), band.terms.size());
  visit(band.albedo.data(), band.albedo.size());
}

size_t BandSize() {
  BandTable band;
  size_t floats = BandTable::kPhaseSize + BandTable::kTermsSize + BandTable::kStateCount;
  VisitFloats(band, [&](const float*, size_t count) { floats += count; });
  return sizeof(uint32_t) + kNameSize + floats * sizeof(float);
}

absl::Status CheckHeader(absl::string_view bytes) {
  if (bytes.size() < kHeaderSize || bytes.substr(0, kMagic.size()) != kMagic) {
    return absl::DataLossError("atmosphere tables: not a file of arpent-lut, or cut short");
  }
  Cursor cursor(bytes.substr(kMagic.size()));
  const auto version = cursor.Read<uint32_t>();
  if (version != kTableVersion) {
    return absl::FailedPreconditionError(absl::StrCat("atmosphere tables: version ", version, ", this program needs ",
                                                      kTableVersion, "; make them again with arpent-lut"));
  }
  const auto bands = cursor.Read<uint32_t>();
  const auto size = cursor.Read<uint64_t>();
  if (bytes.size() - kHeaderSize != size || size != bands * BandSize()) {
    return absl::DataLossError(absl::StrCat("atmosphere tables: ", bytes.size() - kHeaderSize, " bytes of content, ",
                                            bands, " bands need ", bands * BandSize()));
  }
  if (Sha256Of(bytes.substr(kHeaderSize)) != bytes.substr(kHeaderSize - kDigestSize, kDigestSize)) {
    return absl::DataLossError("atmosphere tables: the checksum does not match; make them again with arpent-lut");
  }
  return absl::OkStatus();
}

}  // namespace

double PhaseAt(const BandTable& band, int model, double cos_scattering_angle) {
  const double angle = std::acos(std::clamp(cos_scattering_angle, -1.0, 1.0)) * 180 / std::numbers::pi;
  const double position = (angle - kPhaseFirstDeg) / kPhaseStepDeg;
  const int first = std::clamp(static_cast<int>(position) - 1, 0, kPhaseCount - 4);
  const float* p = band.phase.data() + static_cast<size_t>(model) * kPhaseCount + first;
  const double t = std::max(position - first, 0.0);  // 0 .. 3 within the four values; Lagrange
  return p[0] * (t - 1) * (t - 2) * (t - 3) / -6 + p[1] * t * (t - 2) * (t - 3) / 2 +
         p[2] * t * (t - 1) * (t - 3) / -2 + p[3] * t * (t - 1) * (t - 2) / 6;
}

std::string SerializeTables(const TableData& data) {
  std::string payload;
  for (const BandTable& band : data.bands) {
    Append(payload, static_cast<uint32_t>(band.sensor));
    std::string name = band.name;
    name.resize(kNameSize, '\0');
    payload.append(name);
    VisitFloats(band, [&](const float* values, size_t count) { AppendFloats(payload, values, count); });
  }
  std::string bytes(kMagic);
  Append(bytes, kTableVersion);
  Append(bytes, static_cast<uint32_t>(data.bands.size()));
  Append(bytes, static_cast<uint64_t>(payload.size()));
  bytes.append(Sha256Of(payload));
  bytes.append(payload);
  return bytes;
}

absl::StatusOr<TableData> ParseTables(absl::string_view bytes) {
  if (absl::Status status = CheckHeader(bytes); !status.ok()) return status;
  const size_t bands = (bytes.size() - kHeaderSize) / BandSize();
  Cursor cursor(bytes.substr(kHeaderSize));
  TableData data;
  data.bands.resize(bands);
  for (BandTable& band : data.bands) {
    const auto sensor = cursor.Read<uint32_t>();
    if (sensor >= kSensorCount) return absl::DataLossError(absl::StrCat("atmosphere tables: sensor ", sensor));
    band.sensor = static_cast<Sensor>(sensor);
    band.name = cursor.ReadName();
    band.phase.resize(BandTable::kPhaseSize);
    band.terms.resize(BandTable::kTermsSize);
    band.albedo.resize(BandTable::kStateCount);
    VisitFloats(band, [&](float* values, size_t count) { cursor.ReadFloats(values, count); });
  }
  return data;
}

}  // namespace arpent::kernels
