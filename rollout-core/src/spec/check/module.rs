//! Checks of modules, of the circuit breaker and of what stages need of them.

use std::collections::BTreeSet;

use super::{CheckError, ModuleError, limits, strategy::check_name};
use crate::spec::{ModuleNeeds, Spec};

/// Checks the modules and the circuit breaker.
pub(super) fn check(spec: &Spec, errors: &mut Vec<CheckError>) {
    let mut taken = BTreeSet::new();
    for (index, module) in spec.modules.iter().enumerate() {
        let field = format!("modules[{index}].name");
        if check_name(&field, &module.name, errors) && !taken.insert(&module.name) {
            errors.push(ModuleError::NameTaken { field, name: module.name.clone() }.into());
        }
    }
    if let Some(breaker) = &spec.breaker {
        if breaker.timeout.is_zero() {
            errors.push(ModuleError::BreakerTimeout.into());
        }
        limits::short("breaker.timeout", breaker.timeout, errors);
    }
}

/// Checks what one stage needs.
pub(super) fn check_needs(
    field: &str,
    needs: &ModuleNeeds,
    spec: &Spec,
    errors: &mut Vec<CheckError>,
) {
    let mut taken = BTreeSet::new();
    let names = [("degrade", &needs.degrade), ("require", &needs.require)];
    let all = names
        .iter()
        .flat_map(|(list, names)| names.iter().enumerate().map(move |item| (list, item)));
    for (list, (index, name)) in all {
        let field = || format!("{field}.{list}[{index}]");
        let known = spec.modules.iter().find(|module| module.name == *name);
        let error = match known {
            _ if !taken.insert(name) => {
                ModuleError::NamedTwice { field: field(), name: name.clone() }
            }
            None => ModuleError::Unknown { field: field(), name: name.clone() },
            Some(module) if module.must_be_available => {
                ModuleError::MustBeAvailable { field: field(), name: name.clone() }
            }
            Some(_) => continue,
        };
        errors.push(error.into());
    }
    if needs.breaker && spec.breaker.is_none() {
        errors.push(ModuleError::NoBreaker { field: format!("{field}.breaker") }.into());
    }
}
