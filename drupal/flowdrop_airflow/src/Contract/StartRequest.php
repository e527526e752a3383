<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Contract;

/**
 * What Drupal sends to start a run: the body and the idempotency key.
 */
final class StartRequest {

  private function __construct(
    public readonly string $workflowId,
    public readonly array $body,
    public readonly string $key,
  ) {}

  /**
   * Returns the start of a run by an event of the site.
   *
   * @param string $workflowId
   *   The workflow.
   * @param array $initialData
   *   Flat initial data: what a trigger node hands on as its output "data".
   * @param string $eventId
   *   The event's id: the same event starts one run, however often it comes.
   * @param string $pipelineId
   *   The site's own pipeline entity, or "".
   * @param string $source
   *   One of api, manual, event, playground.
   */
  public static function of(
    string $workflowId,
    array $initialData,
    string $eventId,
    string $pipelineId = '',
    string $source = 'event',
  ): self {
    if (preg_match('/^[A-Za-z0-9_.-]{1,250}$/D', $workflowId) !== 1) {
      throw new ContractException('A workflow id must be a machine name.');
    }
    if ($eventId === '') {
      throw new ContractException('An event needs an id.');
    }
    $body = ['inputs' => $initialData === [] ? new \stdClass() : $initialData, 'source' => $source];
    if ($pipelineId !== '') {
      $body['drupal_pipeline_id'] = $pipelineId;
    }
    // Keys are bounded to 255 characters, event ids are not.
    $key = 'drupal:' . hash('sha256', $workflowId . "\n" . $eventId);
    return new self($workflowId, $body, $key);
  }

  /**
   * Returns the body as it is sent.
   */
  public function json(): string {
    return json_encode($this->body, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
  }

  /**
   * Returns the path below Airflow's FlowDrop API.
   */
  public function path(): string {
    return '/workflows/' . $this->workflowId . '/execute';
  }

}
