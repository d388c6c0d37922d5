// `arpent atmosphere`: the radiative-transfer calculator. CSV in, the same CSV with more columns out.
//
// Columns read, in any order: sensor, band, sza_deg, vza_deg, raa_deg (0 = backscatter), aerosol (a model's name or
// "none"), aot550, wv_gcm2, o3_atmcm (all three above the target), alt_km, and rho_toa if there. All columns pass
// through as they are. Appended: arpent_rho_atm (path reflectance without gas), arpent_t_down_sca, arpent_t_up_sca,
// arpent_s_alb, arpent_tg_total, arpent_toa_rho000, _rho005, _rho020, _rho040 (TOA reflectance over Lambertian ground
// of 0, 0.05, 0.2, 0.4), and arpent_rho_surface when there is a column rho_toa (empty where that is empty).
#ifndef ARPENT_SERVICES_CLI_ATMOSPHERE_COMMAND_H_
#define ARPENT_SERVICES_CLI_ATMOSPHERE_COMMAND_H_

#include <istream>
#include <ostream>
#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "common/kernels/atmosphere/tables.h"

namespace arpent::cli {

// Reads `input` to its end. At the first row that is wrong it stops with INVALID_ARGUMENT naming line and column; the
// rows before it have been written.
absl::Status RunAtmosphere(const kernels::AtmosphereTables& tables, std::istream& input, std::ostream& output);

// The same with the tables' file. NOT_FOUND naming it when it is missing.
absl::Status RunAtmosphereWithFile(const std::string& tables_path, std::istream& input, std::ostream& output);

// `arpent atmosphere [--tables DIR]`, standard input to standard output.
void AddAtmosphereCommand(CLI::App& app, int& exit_code);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_ATMOSPHERE_COMMAND_H_
