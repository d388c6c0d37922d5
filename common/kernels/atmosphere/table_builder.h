// Computes the tables: solves every state at the wavelength nodes, then folds the nodes into bands. The caller runs the
// units, in parallel if it likes; the result does not depend on the order.
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_TABLE_BUILDER_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_TABLE_BUILDER_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "common/kernels/atmosphere/radiative_inputs.h"
#include "common/kernels/atmosphere/table_data.h"

namespace arpent::kernels {

class TableBuilder {
 public:
  // `inputs` must outlive the builder.
  explicit TableBuilder(const RadiativeInputs& inputs, const SolverSettings& settings = {});

  // One unit per wavelength node and model (the molecules alone count as a model). Each runs once; thread-safe.
  size_t solve_unit_count() const;
  void SolveUnit(size_t unit);

  // One unit per band, once every SolveUnit has returned. Each runs once; thread-safe.
  size_t fold_unit_count() const { return inputs_.bands.size(); }
  void FoldUnit(size_t unit);

  // Once every FoldUnit has returned.
  TableData Take() { return std::move(data_); }

 private:
  double* StateAt(int model, int column, int aot, int node);
  const double* StateAt(int model, int column, int aot, int node) const;
  void Store(const ScatteringSolution& solution, const PhaseMatrices* aerosol, double* values) const;
  void StorePhase(int model, int node, const PhaseMatrices& aerosol);
  // Folds one state into `band`, whose phase functions are there.
  void FoldState(const BandInput& input, int model, int column, int aot, BandTable& band) const;

  const RadiativeInputs& inputs_;
  const AngularGrid grid_;
  const PhaseMatrices molecules_;
  Matrix path_fit_, single_fit_;  // coefficient <- view
  std::vector<bool> needed_;      // nodes that some band touches
  std::vector<double> solved_;    // [model][column][aot][node][value]
  std::vector<double> phase_;     // [model][scattering angle][node]
  TableData data_;
};

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_TABLE_BUILDER_H_
