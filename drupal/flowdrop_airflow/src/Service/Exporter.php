<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Service;

use Drupal\Component\Serialization\Yaml;
use Drupal\Core\Config\StorageInterface;
use Drupal\flowdrop_airflow\Contract\ExportSet;

/**
 * Writes FlowDrop's configuration as "drush config:export" would.
 */
final class Exporter {

  public function __construct(private readonly StorageInterface $storage) {}

  /**
   * Returns everything that Airflow needs to run this site's workflows.
   */
  public function export(): ExportSet {
    $texts = [];
    foreach (ExportSet::PREFIXES as $prefix) {
      foreach ($this->storage->readMultiple($this->storage->listAll($prefix)) as $name => $data) {
        $texts[$name] = Yaml::encode($data);
      }
    }
    return new ExportSet($texts);
  }

}
