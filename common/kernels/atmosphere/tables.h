// The radiative-transfer tables that arpent-lut writes: what a layered atmosphere of molecules (scale height 8 km) and
// aerosol (2 km) over Lambertian ground does to every band of Sentinel-2A/B/C and Landsat 8/9. Immutable; thread-safe.
//
// Geometry follows 6S: relative azimuth 0 is backscatter (sun and sensor on the same side, as seen from the ground).
// Sentinel-2 and Landsat metadata give both azimuths from the ground towards sun and sensor, so that
// relative_azimuth = |sun azimuth - view azimuth|; any angle is accepted and folded into 0-180.
//
// Aerosol, water and ozone amounts are those above the target, not above the sea.
//
// Validity: sun zenith 0-75 deg, view zenith 0-15 deg, AOT 0-2, water 0-12 g/cm2, ozone 0-0.8 atm-cm,
// altitude -0.5 to 5 km. Sources, equations and measured accuracy: docs/algorithms/l2a-atmosphere.md.
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_TABLES_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_TABLES_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "common/kernels/atmosphere/correction.h"
#include "common/kernels/atmosphere/sensor.h"

namespace arpent::kernels {

struct TableData;  // table_data.h: for the program that makes tables

inline constexpr double kMaximumSunZenithDeg = 75;
inline constexpr double kMaximumViewZenithDeg = 15;
inline constexpr double kMaximumAot = 2.0;
inline constexpr double kMaximumWaterVapourGcm2 = 12, kMaximumOzoneAtmcm = 0.8;
inline constexpr double kMinimumAltitudeKm = -0.5, kMaximumAltitudeKm = 5.0;

// The name of the file in a tables folder (StageContext::tables).
inline constexpr char kTablesFileName[] = "atmosphere.lut";

struct Geometry {
  double sun_zenith_deg = 0;
  double view_zenith_deg = 0;
  double relative_azimuth_deg = 0;  // 0 = backscatter
};

struct AtmosphericState {
  AerosolModel aerosol = AerosolModel::kContinental;
  double aot_550 = 0;            // aerosol optical thickness at 550 nm above the target
  double water_vapour_gcm2 = 0;  // above the target
  double ozone_atmcm = 0;        // above the target
  double altitude_km = 0;        // of the target; sets the pressure (US 1962 standard atmosphere)
};

class AtmosphereTables {
 public:
  // From the bytes of the file. DATA_LOSS when they are cut short or fail the checksum, FAILED_PRECONDITION when
  // another version of arpent-lut made them (make them again).
  static absl::StatusOr<AtmosphereTables> Parse(absl::string_view bytes);

  // SHA-256 of the file: part of every L2A key.
  const HexDigest& digest() const { return digest_; }

  // The index of a band for the calls below. INVALID_ARGUMENT for a name that the sensor has not: Sentinel-2 "B01" ..
  // "B12", "B8A"; Landsat "B1" .. "B7", "B9" (cirrus).
  absl::StatusOr<int> BandIndex(Sensor sensor, absl::string_view band) const;
  std::vector<std::string> BandsOf(Sensor sensor) const;

  // INVALID_ARGUMENT naming the first member that is not finite or outside of the validity above.
  static absl::Status Check(const Geometry& geometry, const AtmosphericState& state);

  // Everything about one band in one state; about a microsecond. Checked.
  absl::StatusOr<BandCoefficients> CoefficientsOf(int band, const Geometry& geometry,
                                                  const AtmosphericState& state) const;
  absl::StatusOr<BandCoefficients> CoefficientsOf(Sensor sensor, absl::string_view band, const Geometry& geometry,
                                                  const AtmosphericState& state) const;
  // The same where the caller has checked: arguments outside of the validity are clamped to it, NaN gives NaN.
  BandCoefficients CoefficientsUnchecked(int band, const Geometry& geometry, const AtmosphericState& state) const;

  // Two-way transmittance of all gases for `air_mass` = 1/cos(sun zenith) + 1/cos(view zenith) (or one of them).
  double GasTransmittance(int band, double air_mass, double water_vapour_gcm2, double ozone_atmcm,
                          double altitude_km) const;

  // Extinction of the model in the band relative to 550 nm; 0 for kNone.
  double RelativeExtinction(int band, AerosolModel model) const;
  // Mean optical thickness of molecules above `altitude_km`.
  double MolecularOpticalThickness(int band, double altitude_km) const;
  // Mean wavelength weighted by response and sunlight.
  double WavelengthUm(int band) const;

  AtmosphereTables(AtmosphereTables&&) noexcept;
  AtmosphereTables& operator=(AtmosphereTables&&) noexcept;
  ~AtmosphereTables();

 private:
  AtmosphereTables();
  std::unique_ptr<const TableData> data_;
  HexDigest digest_;
};

// Pressure at `altitude_km` in the US 1962 standard atmosphere, hPa (1013 at sea level).
double StandardPressureHpa(double altitude_km);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_TABLES_H_
